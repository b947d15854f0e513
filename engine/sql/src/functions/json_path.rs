//! Paths into JSON: `$.a.b[0]`.

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// `.name` or `['name']`.
    Key(Box<[u8]>),
    /// `[n]`; a negative one counts from the end.
    Index(i64),
    /// `[*]` or `.*`.
    All,
}

/// A path: `$.a.b[0]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) steps: Box<[Step]>,
}

impl Path {
    /// Reads a path, with `lax` or `strict` before it; says what is wrong with it.
    pub(crate) fn of_text(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("'{text}' is no JSON path: {why}");
        let path = text.trim();
        let path =
            ["lax ", "strict "].iter().find_map(|mode| path.strip_prefix(mode)).unwrap_or(path);
        let Some(mut rest) = path.trim().strip_prefix('$') else {
            return Err(wrong("it must begin with '$'"));
        };
        let mut steps = Vec::new();
        while let Some(first) = rest.chars().next() {
            rest = rest.strip_prefix(first).unwrap_or_default();
            match first {
                '.' if rest.starts_with('.') => return Err(wrong("'..' is not supported")),
                '.' => {
                    let end = rest.find(['.', '[']).unwrap_or(rest.len());
                    let (name, behind) = rest.split_at(end);
                    match name {
                        "" => return Err(wrong("a name is missing behind '.'")),
                        "*" => steps.push(Step::All),
                        name if name.contains(['(', ')', '?', '@', '"', ' ', '\'']) => {
                            return Err(wrong(&format!(
                                "'{name}' is no name; others stand in ['...']"
                            )));
                        }
                        name => steps.push(Step::Key(name.as_bytes().into())),
                    }
                    rest = behind;
                }
                '[' => {
                    let (step, behind) = bracket(rest).ok_or_else(|| {
                        wrong("behind '[' stands a number, '*', or a name in single quotes, and then ']'")
                    })?;
                    steps.push(step);
                    rest = behind;
                }
                other => return Err(wrong(&format!("'{other}' is not expected"))),
            }
        }
        Ok(Self { steps: steps.into() })
    }

    /// Whether it can lead to many values.
    pub(crate) fn is_many(&self) -> bool {
        self.steps.contains(&Step::All)
    }
}

/// A step in brackets, and what is behind it.
fn bracket(text: &str) -> Option<(Step, &str)> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let (name, behind) = quoted.split_once("']")?;
        return Some((Step::Key(name.as_bytes().into()), behind));
    }
    let (inside, behind) = text.split_once(']')?;
    let step = match inside.trim() {
        "*" => Step::All,
        number => Step::Index(number.parse().ok()?),
    };
    Some((step, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        let steps = |text: &str| Path::of_text(text).map(|path| path.steps.into_vec());
        let key = |name: &str| Step::Key(name.as_bytes().into());
        assert_eq!(steps("$"), Ok(vec![]));
        assert_eq!(steps("lax $.a[0]['b c']"), Ok(vec![key("a"), Step::Index(0), key("b c")]));
        assert_eq!(steps("strict $[-1].*[*]"), Ok(vec![Step::Index(-1), Step::All, Step::All]));
        for bad in ["", "a", "$a", "$.", "$..a", "$[", "$[x]", "$['a'", "$.a b", "$.a[?(@.b)]"] {
            assert!(steps(bad).is_err(), "{bad}");
        }
    }
}
