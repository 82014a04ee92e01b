//! The tool `calculator`: sums as people write them, whole numbers exact as long as they fit.

use async_trait::async_trait;
use parlor::agent::{Tool, ToolContext, ToolOutput, schemars, tool_fn};
use parlor::{Result, ToolDefinition};
use serde_json::Value;

/// The longest sum, in bytes.
const LONGEST: usize = 2000;

/// How deep parentheses and signs may be nested.
const DEEPEST: usize = 100;

const ABOUT: &str = "Works a sum out. It knows + - * / % ^ (power), parentheses, pi, e, and the \
functions sqrt, abs, ln, log (base 10), exp, sin, cos, tan, floor, ceil, round, min, max. Angles \
are in radians.";

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[schemars(crate = "parlor::agent::schemars")]
struct Arguments {
    /// Such as `2 * (3 + 4) ^ 2`.
    expression: String,
}

/// Works sums out.
pub(super) struct Calculator;

#[async_trait]
impl Tool for Calculator {
    fn definition(&self) -> ToolDefinition {
        tool().definition()
    }

    async fn call(&self, arguments: Value, context: &ToolContext) -> Result<ToolOutput> {
        tool().call(arguments, context).await
    }
}

fn tool() -> impl Tool {
    tool_fn("calculator", ABOUT, |asked: Arguments, _| async move {
        worked_out(&asked.expression)
    })
}

/// What a sum comes to, as text.
fn worked_out(sum: &str) -> std::result::Result<String, String> {
    if sum.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let mut reader = Reader {
        text: sum,
        at: 0,
        depth: 0,
    };
    let value = reader.sum()?;
    match reader.peek() {
        None => value.told(),
        Some(c) => Err(format!("`{c}` isn't expected at {}", reader.at + 1)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Whole(i128),
    Real(f64),
}

use Number::{Real, Whole};

impl Number {
    fn real(self) -> f64 {
        match self {
            Whole(value) => value as f64,
            Real(value) => value,
        }
    }

    /// By whole numbers where both are and the result fits, else by reals.
    fn with(
        self,
        other: Self,
        whole: impl Fn(i128, i128) -> Option<i128>,
        real: impl Fn(f64, f64) -> f64,
    ) -> Self {
        let exact = match (self, other) {
            (Whole(a), Whole(b)) => whole(a, b),
            _ => None,
        };
        exact.map_or_else(|| Real(real(self.real(), other.real())), Whole)
    }

    fn power(self, exponent: Self) -> Self {
        let whole = |a: i128, b: i128| a.checked_pow(u32::try_from(b).ok()?);
        self.with(exponent, whole, f64::powf)
    }

    fn told(self) -> std::result::Result<String, String> {
        match self {
            Whole(value) => Ok(value.to_string()),
            Real(value) if value.is_nan() => Err("it has no value".to_owned()),
            Real(value) if value.is_infinite() => Err("it is too large".to_owned()),
            Real(value) if value != 0.0 && !(1e-6..1e17).contains(&value.abs()) => {
                Ok(format!("{value:e}"))
            }
            Real(value) => Ok(value.to_string()),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

type Read = std::result::Result<Number, String>;

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character that isn't white space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        let skipped = rest.len() - rest.trim_start().len();
        self.at += skipped;
        self.rest().chars().next()
    }

    fn takes(&mut self, wanted: &[char]) -> Option<char> {
        let c = self.peek().filter(|c| wanted.contains(c))?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn wants(&mut self, c: char) -> std::result::Result<(), String> {
        match self.takes(&[c]) {
            Some(_) => Ok(()),
            None => Err(format!("`{c}` is missing at {}", self.at + 1)),
        }
    }

    fn sum(&mut self) -> Read {
        let mut value = self.product()?;
        while let Some(sign) = self.takes(&['+', '-', '−']) {
            let other = self.product()?;
            value = match sign {
                '+' => value.with(other, i128::checked_add, |a, b| a + b),
                _ => value.with(other, i128::checked_sub, |a, b| a - b),
            };
        }
        Ok(value)
    }

    fn product(&mut self) -> Read {
        let mut value = self.signed()?;
        loop {
            // `**` is a power.
            let is_power = self.peek() == Some('*') && self.rest().starts_with("**");
            let sign = match is_power {
                true => None,
                false => self.takes(&['*', '×', '·', '/', '÷', '%']),
            };
            let Some(sign) = sign else { return Ok(value) };
            let other = self.signed()?;
            if matches!(sign, '/' | '÷' | '%') && other.real() == 0.0 {
                return Err("it divides by zero".to_owned());
            }
            let divided = |a: i128, b: i128| (a.checked_rem(b)? == 0).then(|| a.checked_div(b))?;
            value = match sign {
                '/' | '÷' => value.with(other, divided, |a, b| a / b),
                '%' => value.with(other, i128::checked_rem, |a, b| a % b),
                _ => value.with(other, i128::checked_mul, |a, b| a * b),
            };
        }
    }

    /// A sign binds less than a power: `-2^2` is -4.
    fn signed(&mut self) -> Read {
        let Some(sign) = self.takes(&['+', '-', '−']) else {
            return self.power();
        };
        let value = self.deeper(Self::signed)?;
        Ok(match sign {
            '+' => value,
            _ => Whole(0).with(value, i128::checked_sub, |_, b| -b),
        })
    }

    fn power(&mut self) -> Read {
        let base = self.value()?;
        let is_double = self.peek() == Some('*') && self.rest().starts_with("**");
        if is_double {
            self.at += "**".len();
        } else if self.takes(&['^']).is_none() {
            return Ok(base);
        }
        let exponent = self.deeper(Self::signed)?;
        Ok(base.power(exponent))
    }

    fn deeper(&mut self, read: impl Fn(&mut Self) -> Read) -> Read {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn value(&mut self) -> Read {
        match self.peek() {
            Some('(') => {
                self.wants('(')?;
                let value = self.deeper(Self::sum)?;
                self.wants(')')?;
                Ok(value)
            }
            Some('0'..='9' | '.') => self.number(),
            Some('π') => {
                self.at += 'π'.len_utf8();
                Ok(Real(std::f64::consts::PI))
            }
            Some(c) if c.is_ascii_alphabetic() => self.named(),
            Some(c) => Err(format!("`{c}` isn't expected at {}", self.at + 1)),
            None => Err("it ends too early".to_owned()),
        }
    }

    fn number(&mut self) -> Read {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let is_part = |at: usize| match bytes.get(at) {
            Some(b'0'..=b'9' | b'.' | b'_') => true,
            // An exponent, unless it is the number e.
            Some(b'e' | b'E') => {
                let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
                bytes.get(at + 1 + sign).is_some_and(u8::is_ascii_digit)
            }
            Some(b'+' | b'-') => at > 0 && matches!(bytes.get(at - 1), Some(b'e' | b'E')),
            _ => false,
        };
        let end = (0..).find(|at| !is_part(*at)).unwrap_or(rest.len());
        let text: String = rest.chars().take(end).filter(|c| *c != '_').collect();
        self.at += end;
        let whole = text.parse().map(Whole);
        let number = whole.or_else(|_| text.parse().map(Real));
        number.map_err(|_| format!("`{text}` is no number"))
    }

    fn named(&mut self) -> Read {
        let word = |c: &char| c.is_ascii_alphanumeric();
        let name: String = self.rest().chars().take_while(word).collect();
        self.at += name.len();
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "pi" => return Ok(Real(std::f64::consts::PI)),
            "e" => return Ok(Real(std::f64::consts::E)),
            _ => {}
        }
        if self.peek() != Some('(') {
            return Err(format!("`{name}` isn't known"));
        }
        self.wants('(')?;
        let mut values = vec![self.deeper(Self::sum)?];
        while self.takes(&[',']).is_some() {
            values.push(self.deeper(Self::sum)?);
        }
        self.wants(')')?;
        of_function(&name, &values)
    }
}

fn of_function(name: &str, values: &[Number]) -> Read {
    let real = |function: fn(f64) -> f64| match values {
        [only] => Ok(Real(function(only.real()))),
        _ => Err(format!("`{name}` takes one number")),
    };
    // Rounding gives whole numbers, where they fit.
    let rounded = |function: fn(f64) -> f64| match values {
        [whole @ Whole(_)] => Ok(*whole),
        [only] => {
            let value = function(only.real());
            let fits = value.abs() < 1e15;
            Ok(if fits {
                Whole(value as i128)
            } else {
                Real(value)
            })
        }
        _ => Err(format!("`{name}` takes one number")),
    };
    let chosen = |is_better: fn(f64, f64) -> bool| {
        let better = |a: Number, b: Number| if is_better(b.real(), a.real()) { b } else { a };
        let best = values.iter().copied().reduce(better);
        best.ok_or_else(|| format!("`{name}` takes numbers"))
    };
    match name {
        "sqrt" => real(f64::sqrt),
        "ln" => real(f64::ln),
        "log" | "log10" => real(f64::log10),
        "exp" => real(f64::exp),
        "sin" => real(f64::sin),
        "cos" => real(f64::cos),
        "tan" => real(f64::tan),
        "abs" => match values {
            [Whole(value)] if value.checked_abs().is_some() => Ok(Whole(value.abs())),
            _ => real(f64::abs),
        },
        "floor" => rounded(f64::floor),
        "ceil" => rounded(f64::ceil),
        "round" => rounded(f64::round),
        "min" => chosen(|a, b| a < b),
        "max" => chosen(|a, b| a > b),
        _ => Err(format!("`{name}` isn't known")),
    }
}

#[cfg(test)]
mod tests {
    use super::worked_out;

    #[test]
    fn sums_are_worked_out_as_people_write_them() {
        for (sum, value) in [
            ("2 * (3 + 4) ^ 2", "98"),
            ("-2^2", "-4"),
            ("2^3^2", "512"),
            ("2 ** 10", "1024"),
            ("2^-1", "0.5"),
            ("7 / 2", "3.5"),
            ("6/2", "3"),
            ("7 % 4", "3"),
            ("1 - -1", "2"),
            ("0.1 + 0.2", "0.30000000000000004"),
            (
                "123456789012345678 * 1000000007",
                "123456789876543201086419746",
            ),
            ("2^200", "1.6069380442589903e60"),
            ("1e3", "1000"),
            ("1_000 × 2", "2000"),
            ("2e", ""),
            ("sqrt(16) + max(1, 2, 3)", "7"),
            ("round(2.5)", "3"),
            ("floor(-2.5)", "-3"),
            ("abs(-3)", "3"),
            ("round(100*pi)/100", "3.14"),
        ] {
            match value {
                "" => assert!(worked_out(sum).is_err(), "{sum}"),
                value => assert_eq!(worked_out(sum).as_deref(), Ok(value), "{sum}"),
            }
        }
    }

    #[test]
    fn what_is_no_sum_is_told() {
        for (sum, told) in [
            ("", "too early"),
            ("1 +", "too early"),
            ("(1", "`)` is missing"),
            ("1 2", "isn't expected at 3"),
            ("1/0", "divides by zero"),
            ("1 % 0", "divides by zero"),
            ("sqrt(-1)", "no value"),
            ("10^400", "too large"),
            ("rm(1)", "`rm` isn't known"),
            ("1.2.3", "no number"),
            ("x", "isn't known"),
            ("sqrt()", "isn't expected"),
            ("é", "isn't expected"),
        ] {
            let error = worked_out(sum).unwrap_err();
            assert!(error.contains(told), "{sum}: {error}");
        }
        assert!(worked_out(&"(".repeat(1000)).unwrap_err().contains("deep"));
        assert!(worked_out(&"-".repeat(1000)).unwrap_err().contains("deep"));
        assert!(worked_out(&"1".repeat(3000)).unwrap_err().contains("long"));
    }
}
