//! Rows of numbers as one flat slice: what the models learn from and judge.

/// A view of `f32` rows, one after another: `rows() x columns()`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Matrix<'a> {
    values: &'a [f32],
    columns: usize,
}

/// Why numbers are not a [`Matrix`], or not one to learn from.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum MatrixError {
    /// The values do not fill whole rows.
    #[error("found {values} values, want a multiple of {columns} columns, and at least one column")]
    Shape {
        /// Values given.
        values: usize,
        /// Columns asked for.
        columns: usize,
    },
    /// There is nothing to learn from.
    #[error("found no rows, want at least one")]
    Empty,
    /// A value is NaN or infinite: no distance and no order holds for it.
    #[error("found {value} in row {row}, column {column}, want a finite number")]
    NotFinite {
        /// From 0.
        row: usize,
        /// From 0.
        column: usize,
        /// What was found.
        value: f32,
    },
}

impl<'a> Matrix<'a> {
    /// Views `values` as rows of `columns` numbers each.
    ///
    /// # Errors
    /// [`MatrixError::Shape`] if there are no columns or the last row is not whole.
    pub fn new(values: &'a [f32], columns: usize) -> Result<Self, MatrixError> {
        if columns == 0 || !values.len().is_multiple_of(columns) {
            return Err(MatrixError::Shape { values: values.len(), columns });
        }
        Ok(Self { values, columns })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// How many numbers a row has; at least one.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `row`, empty if there is none.
    pub fn row(&self, row: usize) -> &'a [f32] {
        let start = row.saturating_mul(self.columns);
        self.values.get(start..start.saturating_add(self.columns)).unwrap_or_default()
    }

    /// All rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [f32]> + use<'a> {
        self.values.chunks_exact(self.columns)
    }

    /// All values, row after row.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// The view of the rows from `start` on, `rows` of them or as many as there are.
    pub(crate) fn part(&self, start: usize, rows: usize) -> Self {
        let from = start.saturating_mul(self.columns).min(self.values.len());
        let to = from.saturating_add(rows.saturating_mul(self.columns)).min(self.values.len());
        Self { values: self.values.get(from..to).unwrap_or_default(), columns: self.columns }
    }

    /// Refuses what no model can learn from.
    ///
    /// # Errors
    /// [`MatrixError::Empty`] without rows, [`MatrixError::NotFinite`] at the first NaN or infinity.
    pub(crate) fn check(&self) -> Result<(), MatrixError> {
        if self.values.is_empty() {
            return Err(MatrixError::Empty);
        }
        // In pieces without an early end, which the compiler turns into wide instructions.
        let odd = |piece: &[f32]| piece.iter().fold(false, |odd, value| odd | !value.is_finite());
        let Some(piece) = self.values.chunks(4096).position(odd) else { return Ok(()) };
        let rest = self.values.iter().enumerate().skip(piece * 4096);
        for (at, &value) in rest {
            if !value.is_finite() {
                return Err(MatrixError::NotFinite { row: at / self.columns, column: at % self.columns, value });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Matrix, MatrixError};

    #[test]
    fn shape_is_checked() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let matrix = Matrix::new(&values, 2).unwrap();
        assert_eq!((matrix.rows(), matrix.columns()), (2, 2));
        assert_eq!(matrix.row(1), [3.0, 4.0]);
        assert_eq!(matrix.row(2), [] as [f32; 0]);
        assert_eq!(Matrix::new(&values, 3), Err(MatrixError::Shape { values: 4, columns: 3 }));
        assert_eq!(Matrix::new(&values, 0), Err(MatrixError::Shape { values: 4, columns: 0 }));
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let mut values = vec![0.5; 3 * 5000];
        assert_eq!(Matrix::new(&values, 3).unwrap().check(), Ok(()));
        values[3 * 4321 + 2] = f32::NEG_INFINITY;
        let found = Matrix::new(&values, 3).unwrap().check().unwrap_err();
        assert_eq!(found.to_string(), "found -inf in row 4321, column 2, want a finite number");
        values[7] = f32::NAN;
        let found = Matrix::new(&values, 3).unwrap().check().unwrap_err();
        assert_eq!(found.to_string(), "found NaN in row 2, column 1, want a finite number");
        assert_eq!(Matrix::new(&[], 3).unwrap().check(), Err(MatrixError::Empty));
    }
}
