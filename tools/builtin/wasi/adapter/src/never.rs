//! Methods of what does not exist: folders that are open, sockets. Their types have no values.

macro_rules! never {
    ($($name:ident($($taken:ty),*) -> $given:ty;)*) => {
        $(fn $name(&self, $(_: $taken),*) -> $given { match *self {} })*
    };
}
