//! Random expressions: their text, and what they come to.
//!
//! A whole number that does not fit into its type is a fault of the job. What a CASE does not choose is no fault.

use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;

use tidewire_tests::dice::Dice;

use super::data::{COLUMNS, Row, Ty, V, rounded, scaled};

/// An expression.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) sql: String,
    pub(super) ty: Ty,
    eval: Rc<dyn Fn(&Row) -> V>,
}

/// Decimals stay below this, so that none needs the rules of what does not fit.
const PRECISION_MAX: u8 = 28;

impl Made {
    fn new(sql: impl Into<String>, ty: Ty, eval: impl Fn(&Row) -> V + 'static) -> Self {
        Self { sql: sql.into(), ty, eval: Rc::new(eval) }
    }

    pub(super) fn of(&self, row: &Row) -> V {
        (self.eval)(row)
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self, row: &Row) -> bool {
        self.of(row) == V::Bool(true)
    }
}

/// A column.
pub(super) fn column(at: usize) -> Made {
    let (name, ty) = COLUMNS[at];
    Made::new(name, ty, move |row| row.values[at].clone())
}

/// A condition.
pub(super) fn condition(dice: &mut Dice) -> Made {
    let depth = 1 + dice.below(3);
    boolean(dice, depth)
}

/// Any expression.
pub(super) fn any(dice: &mut Dice) -> Made {
    let depth = dice.below(4);
    let ty = dice.pick(&[Ty::Bool, Ty::Int, Ty::BigInt, Ty::Decimal(0, 0), Ty::Text]);
    of_type(dice, ty, depth)
}

/// Of a type; any of the decimals, if it is one of these.
fn of_type(dice: &mut Dice, ty: Ty, depth: u64) -> Made {
    match ty {
        Ty::Bool => boolean(dice, depth),
        Ty::Int | Ty::BigInt => whole(dice, ty, depth),
        Ty::Decimal(..) => decimal(dice, depth),
        Ty::Text => words(dice, depth),
    }
}

thread_local! {
    static HAS_FAULT: Cell<bool> = const { Cell::new(false) };
}

/// Whether a value did not fit since this was asked last.
pub(super) fn take_fault() -> bool {
    HAS_FAULT.take()
}

/// A whole number, as far as it fits.
fn number(value: i128, ty: Ty) -> V {
    let fits = match ty {
        Ty::Int => i32::try_from(value).is_ok(),
        _ => i64::try_from(value).is_ok(),
    };
    if fits {
        return V::Number(value, 0);
    }
    HAS_FAULT.set(true);
    V::Null
}

/// `a op b`, NULL where one is.
fn binary(a: &Made, op: &str, b: &Made, ty: Ty, of: impl Fn(&V, &V) -> V + 'static) -> Made {
    let (sql, a, b) = (format!("({} {op} {})", a.sql, b.sql), a.clone(), b.clone());
    Made::new(sql, ty, move |row| match (a.of(row), b.of(row)) {
        (V::Null, _) | (_, V::Null) => V::Null,
        (a, b) => of(&a, &b),
    })
}

/// What every type has: CASE, COALESCE, NULLIF, IF of a value that `make` makes.
fn chosen(dice: &mut Dice, make: &mut dyn FnMut(&mut Dice) -> Made, depth: u64) -> Made {
    let a = make(dice);
    let b = make(dice);
    let ty = a.ty;
    match dice.below(4) {
        0 => {
            let when = boolean(dice, depth);
            let has_else = dice.below(3) > 0;
            let otherwise = if has_else { format!(" ELSE {}", b.sql) } else { String::new() };
            let sql = format!("CASE WHEN {} THEN {}{otherwise} END", when.sql, a.sql);
            Made::new(sql, ty, move |row| match (when.holds(row), has_else) {
                (true, _) => a.of(row),
                (false, true) => b.of(row),
                (false, false) => V::Null,
            })
        }
        1 => {
            let when = boolean(dice, depth);
            let sql = format!("IF({}, {}, {})", when.sql, a.sql, b.sql);
            Made::new(sql, ty, move |row| if when.holds(row) { a.of(row) } else { b.of(row) })
        }
        2 => {
            let sql = format!("COALESCE({}, {})", a.sql, b.sql);
            Made::new(sql, ty, move |row| match a.of(row) {
                V::Null => b.of(row),
                a => a,
            })
        }
        _ => {
            let sql = format!("NULLIF({}, {})", a.sql, b.sql);
            Made::new(sql, ty, move |row| {
                let a = a.of(row);
                if a.compare(&b.of(row)) == Some(Ordering::Equal) { V::Null } else { a }
            })
        }
    }
}

fn whole(dice: &mut Dice, ty: Ty, depth: u64) -> Made {
    if depth == 0 {
        return match (ty, dice.below(3)) {
            (Ty::Int, 0) => {
                let value = i128::from(dice.below(2_000));
                Made::new(value.to_string(), ty, move |_| V::Number(value, 0))
            }
            (Ty::Int, _) => column(dice.pick(&[0, 2, 3])),
            (_, 0) => Made::new("3000000000", ty, |_| V::Number(3_000_000_000, 0)),
            _ => column(4),
        };
    }
    let depth = depth - 1;
    match dice.below(6) {
        0 => {
            let a = whole(dice, ty, depth);
            Made::new(format!("(-{})", a.sql), ty, move |row| match a.of(row) {
                V::Number(a, _) => number(-a, ty),
                _ => V::Null,
            })
        }
        1 => {
            let by = i128::from(1 + dice.below(9));
            let a = whole(dice, ty, depth);
            Made::new(format!("({} / {by})", a.sql), ty, move |row| match a.of(row) {
                V::Number(a, _) => number(a / by, ty),
                _ => V::Null,
            })
        }
        2 if ty == Ty::Int => match dice.below(3) {
            0 => {
                let by = i128::from(1 + dice.below(9));
                let from = dice.pick(&[Ty::Int, Ty::BigInt]);
                let a = whole(dice, from, depth);
                Made::new(format!("({} % {by})", a.sql), ty, move |row| match a.of(row) {
                    V::Number(a, _) => number(a % by, ty),
                    _ => V::Null,
                })
            }
            1 => {
                let a = whole(dice, Ty::BigInt, depth);
                Made::new(format!("CAST({} AS INT)", a.sql), ty, move |row| match a.of(row) {
                    V::Number(a, _) => number(a, ty),
                    _ => V::Null,
                })
            }
            _ => {
                let a = words(dice, depth);
                Made::new(format!("CHAR_LENGTH({})", a.sql), ty, move |row| match a.of(row) {
                    V::Text(a) => V::Number(a.chars().count() as i128, 0),
                    _ => V::Null,
                })
            }
        },
        2 => {
            let a = whole(dice, Ty::Int, depth);
            let sql = format!("CAST({} AS BIGINT)", a.sql);
            Made::new(sql, ty, move |row| a.of(row))
        }
        3 => chosen(dice, &mut |dice| whole(dice, ty, depth), depth),
        _ => {
            let mixed = dice.pick(&[Ty::Int, Ty::BigInt]);
            let (a, b) = (
                whole(dice, ty, depth),
                whole(dice, if ty == Ty::Int { ty } else { mixed }, depth),
            );
            let (a, b) = if dice.below(2) == 0 { (a, b) } else { (b, a) };
            let op = dice.pick(&["+", "-", "*"]);
            binary(&a, op, &b, ty, move |a, b| match (a, b) {
                (V::Number(a, _), V::Number(b, _)) => number(arithmetic(op, *a, *b), ty),
                _ => V::Null,
            })
        }
    }
}

fn arithmetic(op: &str, a: i128, b: i128) -> i128 {
    match op {
        "+" => a + b,
        "-" => a - b,
        _ => a * b,
    }
}

/// Precision and scale of a number, where it stands beside a decimal.
fn digits(ty: Ty) -> (u8, u8) {
    match ty {
        Ty::Decimal(precision, scale) => (precision, scale),
        Ty::BigInt => (19, 0),
        _ => (10, 0),
    }
}

fn decimal(dice: &mut Dice, depth: u64) -> Made {
    if depth == 0 {
        return match dice.below(3) {
            0 => Made::new("1.25", Ty::Decimal(3, 2), |_| V::Number(125, 2)),
            _ => column(5),
        };
    }
    let depth = depth - 1;
    match dice.below(5) {
        0 => {
            let mut made = |dice: &mut Dice| {
                let inner = decimal(dice, depth);
                cast(&inner, PRECISION_MAX, 3).unwrap_or_else(|| {
                    cast(&column(5), PRECISION_MAX, 3).expect("a column has room")
                })
            };
            chosen(dice, &mut made, depth)
        }
        1 => {
            let from = dice.pick(&[Ty::Int, Ty::BigInt]);
            let a = whole(dice, from, depth);
            cast(&a, PRECISION_MAX, 2).expect("a whole number has room")
        }
        op => {
            let op = ["+", "-", "*"][op as usize - 2];
            let a = decimal(dice, depth);
            let ty = dice.pick(&[Ty::Decimal(0, 0), Ty::Int]);
            let b = of_type(dice, ty, depth);
            let ((p1, s1), (p2, s2)) = (digits(a.ty), digits(b.ty));
            let (p, s) = match op {
                "*" => (p1 + p2 + 1, s1 + s2),
                _ => ((p1 - s1).max(p2 - s2) + s1.max(s2) + 1, s1.max(s2)),
            };
            if p > PRECISION_MAX {
                return a;
            }
            binary(&a, op, &b, Ty::Decimal(p, s), move |a, b| match (a, b) {
                (V::Number(a, _), V::Number(b, _)) if op == "*" => V::Number(a * b, s),
                (V::Number(a, of_a), V::Number(b, of_b)) => {
                    V::Number(arithmetic(op, scaled(*a, *of_a, s), scaled(*b, *of_b, s)), s)
                }
                _ => V::Null,
            })
        }
    }
}

/// A number as a decimal; none where it could not fit.
fn cast(a: &Made, precision: u8, scale: u8) -> Option<Made> {
    let (p, s) = digits(a.ty);
    if precision - scale <= p - s {
        return None;
    }
    let a = a.clone();
    let sql = format!("CAST({} AS DECIMAL({precision}, {scale}))", a.sql);
    Some(Made::new(sql, Ty::Decimal(precision, scale), move |row| match a.of(row) {
        V::Number(a, from) if from <= scale => V::Number(scaled(a, from, scale), scale),
        V::Number(a, from) => V::Number(rounded(a, 10_i128.pow((from - scale).into())), scale),
        _ => V::Null,
    }))
}

fn words(dice: &mut Dice, depth: u64) -> Made {
    if depth == 0 {
        return match dice.below(3) {
            0 => {
                let text = dice.pick(&["a", "ab", "x", "é", ""]);
                Made::new(format!("'{text}'"), Ty::Text, move |_| V::Text(text.to_owned()))
            }
            _ => column(1),
        };
    }
    let depth = depth - 1;
    match dice.below(5) {
        0 => {
            let a = words(dice, depth);
            Made::new(format!("UPPER({})", a.sql), Ty::Text, move |row| match a.of(row) {
                V::Text(a) => V::Text(a.to_uppercase()),
                _ => V::Null,
            })
        }
        1 => {
            let (from, length) = (1 + dice.below(3), dice.below(3));
            let a = words(dice, depth);
            let sql = format!("SUBSTRING({}, {from}, {length})", a.sql);
            Made::new(sql, Ty::Text, move |row| match a.of(row) {
                V::Text(a) => {
                    V::Text(a.chars().skip(from as usize - 1).take(length as usize).collect())
                }
                _ => V::Null,
            })
        }
        2 => {
            let ty = dice.pick(&[Ty::Int, Ty::BigInt, Ty::Decimal(0, 0), Ty::Bool]);
            let a = of_type(dice, ty, depth);
            Made::new(format!("CAST({} AS STRING)", a.sql), Ty::Text, move |row| match a.of(row) {
                V::Null => V::Null,
                V::Bool(a) => V::Text(if a { "TRUE" } else { "FALSE" }.to_owned()),
                a => V::Text(a.shown()),
            })
        }
        3 => {
            let (a, b) = (words(dice, depth), words(dice, 0));
            binary(&a, "||", &b, Ty::Text, |a, b| match (a, b) {
                (V::Text(a), V::Text(b)) => V::Text(format!("{a}{b}")),
                _ => V::Null,
            })
        }
        _ => chosen(dice, &mut |dice| words(dice, depth), depth),
    }
}

fn boolean(dice: &mut Dice, depth: u64) -> Made {
    if depth == 0 {
        return match dice.below(4) {
            0 => Made::new("TRUE", Ty::Bool, |_| V::Bool(true)),
            _ => column(6),
        };
    }
    let depth = depth - 1;
    match dice.below(9) {
        0 => {
            let a = boolean(dice, depth);
            Made::new(format!("(NOT {})", a.sql), Ty::Bool, move |row| match a.of(row) {
                V::Bool(a) => V::Bool(!a),
                _ => V::Null,
            })
        }
        1 | 2 => {
            let (a, b) = (boolean(dice, depth), boolean(dice, depth));
            // What decides alone: FALSE of AND, TRUE of OR.
            let (op, deciding) = dice.pick(&[("AND", false), ("OR", true)]);
            Made::new(format!("({} {op} {})", a.sql, b.sql), Ty::Bool, move |row| {
                match (a.of(row), b.of(row)) {
                    (V::Bool(a), _) if a == deciding => V::Bool(deciding),
                    (_, V::Bool(b)) if b == deciding => V::Bool(deciding),
                    (V::Null, _) | (_, V::Null) => V::Null,
                    _ => V::Bool(!deciding),
                }
            })
        }
        3 => {
            let ty = dice.pick(&[Ty::Bool, Ty::Int, Ty::Decimal(0, 0), Ty::Text]);
            let (a, is_not) = (of_type(dice, ty, depth), dice.below(2) == 0);
            let not = if is_not { "NOT " } else { "" };
            Made::new(format!("({} IS {not}NULL)", a.sql), Ty::Bool, move |row| {
                V::Bool((a.of(row) == V::Null) != is_not)
            })
        }
        4 => {
            let (a, is_not) = (boolean(dice, depth), dice.below(2) == 0);
            let (word, value) =
                dice.pick(&[("TRUE", Some(true)), ("FALSE", Some(false)), ("UNKNOWN", None)]);
            let value = value.map_or(V::Null, V::Bool);
            let not = if is_not { "NOT " } else { "" };
            Made::new(format!("({} IS {not}{word})", a.sql), Ty::Bool, move |row| {
                V::Bool((a.of(row) == value) != is_not)
            })
        }
        5 => {
            let [a, low, high] = [0; 3].map(|_| whole(dice, Ty::Int, depth));
            let sql = format!("({} BETWEEN {} AND {})", a.sql, low.sql, high.sql);
            Made::new(sql, Ty::Bool, move |row| {
                let a = a.of(row);
                let above = a.compare(&low.of(row)).map(Ordering::is_ge);
                let below = a.compare(&high.of(row)).map(Ordering::is_le);
                match (above, below) {
                    (Some(false), _) | (_, Some(false)) => V::Bool(false),
                    (Some(true), Some(true)) => V::Bool(true),
                    _ => V::Null,
                }
            })
        }
        6 => {
            let (a, is_not) = (whole(dice, Ty::Int, depth), dice.below(2) == 0);
            let list = [0; 3].map(|_| dice.pick(&[0_i128, 1, 2, 7, 100]));
            let not = if is_not { "NOT " } else { "" };
            let sql = format!("({} {not}IN ({}, {}, {}))", a.sql, list[0], list[1], list[2]);
            Made::new(sql, Ty::Bool, move |row| match a.of(row) {
                V::Number(a, _) => V::Bool(list.contains(&a) != is_not),
                _ => V::Null,
            })
        }
        _ => {
            let pairs = [
                (Ty::Int, Ty::Int),
                (Ty::Int, Ty::BigInt),
                (Ty::Int, Ty::Decimal(0, 0)),
                (Ty::Decimal(0, 0), Ty::Decimal(0, 0)),
                (Ty::Text, Ty::Text),
            ];
            let (left, right) = dice.pick(&pairs);
            let (a, b) = (of_type(dice, left, depth), of_type(dice, right, depth));
            let op = dice.pick(&["=", "<>", "<", "<=", ">", ">="]);
            binary(&a, op, &b, Ty::Bool, move |a, b| {
                let Some(order) = a.compare(b) else { return V::Null };
                V::Bool(match op {
                    "=" => order.is_eq(),
                    "<>" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                })
            })
        }
    }
}
