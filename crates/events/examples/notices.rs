//! Prints the objects that notices of S3 name: `notices FILE...`.

fn main() -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        match tagwarden_events::notification::objects(&std::fs::read_to_string(path)?) {
            Ok(found) => {
                let each = found.into_iter().map(|f| match f {
                    Ok(object) => format!("s3://{}/{}", object.bucket, object.key),
                    Err(refusal) => format!("refused: {refusal}"),
                });
                println!("{}", each.collect::<Vec<_>>().join("; "));
            }
            Err(refusal) => println!("refused: {refusal}"),
        }
    }
    Ok(())
}
