"""Executes the notebooks of a folder: execute_notebooks.py FOLDER [OUT]. Fails if a cell does, or if outputs are committed."""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELL_SECONDS = 300


def outputs(notebook):
    return [cell.id for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]


def execute(path, out):
    """What is wrong with the notebook; None if all is well."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    if kept := outputs(notebook):
        return f"found outputs in cells {', '.join(kept)}, want none in the repository"
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_SECONDS,
        resources={"metadata": {"path": str(path.parent)}},
        # It warns that it listens on this machine.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return str(error)
    finally:
        if out:
            nbformat.write(notebook, out / path.name)
    # A warning is what a reader would see first.
    spoken = [
        output.text.strip()
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]
    return f"found on standard error: {spoken[0]}" if spoken else None


def main(folder, out=None):
    paths = sorted(Path(folder).resolve().glob("*.ipynb"))
    if not paths:
        sys.exit(f"{folder}: found no notebook, want some")
    failed = 0
    for path in paths:
        began = time.monotonic()
        wrong = execute(path, Path(out) if out else None)
        failed += wrong is not None
        print(f"{path.name}: {'FAILED' if wrong else 'ok'}, {time.monotonic() - began:.1f} s", flush=True)
        if wrong:
            print(wrong)
    print(f"notebooks: {len(paths) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
