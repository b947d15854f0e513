//! What the code of a call is written with: the code of its arguments by representation, and combinators whose result is
//! NULL where an argument is.

use std::sync::Arc;

use super::Call;
use crate::code::{Code, Env, Run, RunBytes, bytes};
use crate::error::SqlError;

/// What code can compute that is no bytes.
pub(crate) trait Scalar: Copy + Send + Sync + 'static {
    /// Its code.
    fn code(run: Run<Self>) -> Code;
}

macro_rules! scalars {
    ($($ty:ty: $variant:ident,)*) => {
        $(impl Scalar for $ty {
            fn code(run: Run<Self>) -> Code {
                Code::$variant(run)
            }
        })*
    };
}

scalars! {
    bool: Bool,
    i64: Int,
    i128: Wide,
    f64: Float,
}

/// Code of a closure.
pub(crate) fn scalar<T: Scalar>(
    run: impl for<'a> Fn(&Env<'a>) -> Option<T> + Send + Sync + 'static,
) -> Code {
    T::code(Arc::new(run))
}

macro_rules! codes_of {
    ($($name:ident: $variant:ident, $run:ty, $what:literal;)*) => {
        $(
            #[doc = concat!("The code of argument `at`, which is ", $what, ".")]
            pub(crate) fn $name(&self, at: usize) -> Result<$run, SqlError> {
                match self.codes.get(at) {
                    Some(Code::$variant(run)) => Ok(Arc::clone(run)),
                    _ => Err(self.no_code(at, $what)),
                }
            }
        )*
    };
}

impl Call<'_> {
    codes_of! {
        bool: Bool, Run<bool>, "a truth value";
        int: Int, Run<i64>, "of an integer's representation";
        float: Float, Run<f64>, "floating point";
        bytes: Bytes, RunBytes, "bytes";
    }

    /// The code of argument `at`, which is a wide integer or an integer: a decimal of any size.
    pub(crate) fn wide(&self, at: usize) -> Result<Run<i128>, SqlError> {
        match self.codes.get(at) {
            Some(Code::Wide(run)) => Ok(Arc::clone(run)),
            Some(Code::Int(run)) => {
                let run = Arc::clone(run);
                Ok(Arc::new(move |env| run(env).map(i128::from)))
            }
            _ => Err(self.no_code(at, "a wide integer")),
        }
    }

    fn no_code(&self, at: usize, what: &str) -> SqlError {
        let name = self.function.name;
        SqlError::new(self.at, format!("argument {} of {name} is not {what}", at + 1))
    }

    /// Code of one integer.
    pub(crate) fn map_int<T: Scalar>(
        &self,
        f: impl Fn(&Env<'_>, i64) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        let a = self.int(0)?;
        Ok(scalar(move |env| f(env, a(env)?)))
    }

    /// Code of one decimal.
    pub(crate) fn map_wide<T: Scalar>(
        &self,
        f: impl Fn(&Env<'_>, i128) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        let a = self.wide(0)?;
        Ok(scalar(move |env| f(env, a(env)?)))
    }

    /// Code of two decimals.
    pub(crate) fn map2_wide<T: Scalar>(
        &self,
        f: impl Fn(&Env<'_>, i128, i128) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        let (a, b) = (self.wide(0)?, self.wide(1)?);
        Ok(scalar(move |env| f(env, a(env)?, b(env)?)))
    }

    /// Code of one number of floating point.
    pub(crate) fn map_float<T: Scalar>(
        &self,
        f: impl Fn(&Env<'_>, f64) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        let a = self.float(0)?;
        Ok(scalar(move |env| f(env, a(env)?)))
    }

    /// Code of two numbers of floating point.
    pub(crate) fn map2_float<T: Scalar>(
        &self,
        f: impl Fn(&Env<'_>, f64, f64) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        let (a, b) = (self.float(0)?, self.float(1)?);
        Ok(scalar(move |env| f(env, a(env)?, b(env)?)))
    }

    /// Code of one text.
    pub(crate) fn map_bytes<T: Scalar>(
        &self,
        f: impl Fn(&Env<'_>, &[u8]) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        let a = self.bytes(0)?;
        Ok(scalar(move |env| f(env, a(env)?)))
    }

    /// Code of two texts.
    pub(crate) fn map2_bytes<T: Scalar>(
        &self,
        f: impl Fn(&Env<'_>, &[u8], &[u8]) -> Option<T> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        let (a, b) = (self.bytes(0)?, self.bytes(1)?);
        Ok(scalar(move |env| f(env, a(env)?, b(env)?)))
    }

    /// Code of one text, which makes a text.
    pub(crate) fn bytes_of_bytes(
        &self,
        f: impl for<'a> Fn(&Env<'a>, &'a [u8]) -> Option<&'a [u8]> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        let a = self.bytes(0)?;
        Ok(bytes(move |env| f(env, a(env)?)))
    }

    /// Code of two texts, which makes a text.
    pub(crate) fn bytes_of_bytes2(
        &self,
        f: impl for<'a> Fn(&Env<'a>, &'a [u8], &'a [u8]) -> Option<&'a [u8]> + Send + Sync + 'static,
    ) -> Result<Code, SqlError> {
        let (a, b) = (self.bytes(0)?, self.bytes(1)?);
        Ok(bytes(move |env| f(env, a(env)?, b(env)?)))
    }
}

/// The code that the macro `$of` makes of the name of a representation: `bool`, `int`, `wide`, `float`, `bytes`, which
/// are names both of [`Call`]'s methods and of makers of code.
macro_rules! by_repr {
    ($repr:expr, $of:ident) => {
        match $repr {
            tidewire_event::Repr::Bool => $of!(bool),
            tidewire_event::Repr::Int(_) => $of!(int),
            tidewire_event::Repr::Wide => $of!(wide),
            tidewire_event::Repr::Float(_) => $of!(float),
            tidewire_event::Repr::Bytes => $of!(bytes),
        }
    };
}

pub(crate) use by_repr;
