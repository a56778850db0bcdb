//! Cutting text to a length that a screen has, never through a character.

/// At most `most` characters of `text`, on one line; `…` stands for what is cut off.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let plain: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if plain.chars().count() <= most {
        return plain;
    }
    let mut short: String = plain.chars().take(most.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    if most > 0 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::cut;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("größer", 6), "größer");
        assert_eq!(cut("größer", 4), "grö…");
        assert_eq!(cut("a b c", 3), "a…");
        assert_eq!(cut("a\nb", 9), "a b");
        assert_eq!(cut("abc", 0), "");
    }

    proptest! {
        #[test]
        fn never_longer(text in any::<String>(), most in 0usize..40) {
            prop_assert!(cut(&text, most).chars().count() <= most);
        }
    }
}
