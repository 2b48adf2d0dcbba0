//! The closed set of ops: the reversible steps a field can take between its two sides.
//!
//! Each op is a file with both directions side by side and the law that binds them. No op reads another field,
//! the clock or the network; what must be looked up is asked of the [`Run`] and comes with its next one.

use std::sync::Arc;

use super::Lens;
use super::explain::How;
use super::path::Literal;
use super::run::{Direction, Run, Source, Stop};
use crate::canonical::id::IdCodec;
use crate::json::Writer;

pub mod each;
pub mod filter;
pub mod fixed;
pub mod has;
pub mod id;
pub mod label;
#[cfg(test)]
mod losses;
pub mod nested;
pub mod prefix;
pub mod resolve;
pub mod row;
pub mod table;

use each::{Each, Item};
use filter::Filter;
use fixed::Fixed;
use has::Has;
use id::Id;
use label::Label;
use nested::Nested;
use prefix::Prefix;
use resolve::Resolve;
use row::Row;
use table::Table;

/// One reversible step.
#[derive(Clone, Debug)]
pub enum Op {
    /// The same value always, on the side that has a place for it.
    Constant(Literal),
    /// The value as it is.
    Copy,
    /// Every element of an array by the same rule.
    Each(Each),
    /// Everything that is told as a word.
    Filter(Filter),
    /// One value is allowed in, and it goes no further.
    Fixed(Fixed),
    /// Whether a list holds a word.
    Has(Has),
    /// An id in another spelling.
    Id(Id),
    /// What a dialect calls a word when it shows it to people.
    Label(Label),
    /// An object by a lens of its own.
    Nested(Nested),
    /// A text with something before it.
    Prefix(Prefix),
    /// An id that must be looked up.
    Resolve(Resolve),
    /// A word of a table that clients name by the id of its row.
    Row(Row),
    /// A word of a table.
    Table(Arc<Table>),
}

/// What becomes of what a client writes where an op reads.
#[derive(Clone, Copy, Debug)]
pub enum Taking<'o> {
    /// Each element of a list is an id, as the codec reads it.
    EachId(&'o IdCodec),
    /// Each element of a list goes through a lens.
    EachInside(&'o Lens),
    /// It is an id, as the codec reads it.
    Id(&'o IdCodec),
    /// It is an object that goes through a lens.
    Inside(&'o Lens),
    /// It is looked up, an id or a name, in whichever spelling it is known.
    LookedUp,
    /// Nothing: the op only shows.
    Nothing,
    /// This value alone is let in. It says nothing that is not said without it.
    Only(&'o Literal),
    /// It is brought to the other side, one canonical value for each that is written.
    Value,
    /// It is brought to the other side as it is, with all that is in it.
    Whole,
    /// It is a word of the table, or refused.
    Word(&'o Table),
}

impl Op {
    /// What becomes of what a client writes. The law of each op says so for its direction `lift`.
    pub fn taking(&self) -> Taking<'_> {
        match self {
            Op::Constant(_) | Op::Has(_) | Op::Label(_) => Taking::Nothing,
            Op::Copy => Taking::Whole,
            Op::Each(each) => match &each.item {
                Item::Copy => Taking::Whole,
                Item::Id(id) => Taking::EachId(&id.dialect),
                Item::Lens(lens) => Taking::EachInside(lens),
            },
            Op::Fixed(Fixed(literal)) => Taking::Only(literal),
            Op::Id(id) => Taking::Id(&id.dialect),
            Op::Nested(nested) => Taking::Inside(&nested.lens),
            Op::Prefix(_) | Op::Row(_) => Taking::Value,
            Op::Resolve(_) => Taking::LookedUp,
            Op::Filter(Filter(table)) | Op::Table(table) => Taking::Word(table),
        }
    }

    /// Brings one value to the other side.
    pub(super) fn run<'a>(
        &self,
        source: Source<'a>,
        run: &mut Run<'a, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let lifting = run.direction() == Direction::Lift;
        match self {
            Op::Constant(literal) => {
                out.raw(literal.json());
                Ok(())
            }
            Op::Copy => {
                run.say(|| How::Copied);
                source.copy(out);
                Ok(())
            }
            Op::Each(each) => each.both(source, run, out),
            Op::Filter(filter) if lifting => filter.lift(source, run, out),
            Op::Filter(filter) => filter.lower(source, run, out),
            Op::Fixed(fixed) => fixed.lift(source, run),
            Op::Has(has) => has.lower(source, run, out),
            Op::Id(id) if lifting => id.lift(source, run, out),
            Op::Id(id) => id.lower(source, run, out),
            Op::Label(label) => label.lower(source, run, out),
            Op::Nested(nested) => nested.both(source, run, out),
            Op::Prefix(prefix) if lifting => prefix.lift(source, run, out),
            Op::Prefix(prefix) => prefix.lower(source, run, out),
            Op::Resolve(resolve) => resolve.both(source, run, out),
            Op::Row(row) if lifting => row.lift(source, run, out),
            Op::Row(row) => row.lower(source, run, out),
            Op::Table(table) if lifting => table.lift(source, run, out),
            Op::Table(table) => table.lower(source, run, out),
        }
    }

    /// Whether no two canonical values are told as one value: for each that the op can tell, lifting what it is told as
    /// gives that value again. Where this is not so, what a client read and writes back may be another value.
    pub fn is_lossless(&self) -> bool {
        match self {
            // A constant is told of no record and written to none.
            Op::Constant(_) | Op::Fixed(_) | Op::Copy | Op::Id(_) | Op::Prefix(_) | Op::Resolve(_) => true,
            Op::Each(each) => each.is_lossless(),
            Op::Filter(Filter(table)) | Op::Table(table) => table.is_lossless(),
            // One bit of a list, or a text that nobody reads.
            Op::Has(_) | Op::Label(_) => false,
            Op::Nested(nested) => nested.is_lossless(),
            Op::Row(row) => row.is_lossless(),
        }
    }

    /// Whether both take the same step, as far as that can be seen: a view and a request that spell a value alike.
    pub(super) fn is_like(&self, other: &Op) -> bool {
        match (self, other) {
            (Op::Copy, Op::Copy) => true,
            (Op::Id(one), Op::Id(other)) => one.dialect == other.dialect && one.imported == other.imported,
            (Op::Table(one), Op::Table(other)) => Arc::ptr_eq(one, other),
            (Op::Row(one), Op::Row(other)) => {
                one.resolver.index == other.resolver.index && Arc::ptr_eq(&one.table, &other.table)
            }
            (Op::Resolve(Resolve(one)), Op::Resolve(Resolve(other))) => one.index == other.index,
            _ => false,
        }
    }

    /// Whether the op has places of its own below the field's.
    pub(super) fn goes_inside(&self) -> bool {
        matches!(self, Op::Each(_) | Op::Nested(_))
    }
}
