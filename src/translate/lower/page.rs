//! A page of a list, in the dialect's frame.

use super::{Lowering, holds};
use crate::canonical::api::Call;
use crate::dialect::Page;
use crate::dialect::page::{Cursors, PageSlot, Wanted};
use crate::dialect::url::Url;
use crate::json::{Kind, Value, Writer};
use crate::lens::Lens;
use crate::lens::path::{Address, Literal};
use crate::problem::{Problem, Segment, UNREPRESENTABLE};

/// How the items of a list are told.
pub(super) struct Items<'l> {
    pub(super) lens: &'l Lens,
    /// The way to the member that holds them where there is no page.
    pub(super) under: &'l [Box<str>],
    /// Whether one without words in the dialect is left out.
    pub(super) omits: bool,
    /// What an item holds that is told.
    pub(super) only: &'l [(Address, Literal)],
}

/// A member of the frame: the way that is left to it, and what it holds.
type Member<'p> = (&'p [Box<str>], Content);

/// What a member of the frame holds.
#[derive(Clone)]
enum Content {
    Items,
    Json(PageSlot, String),
}

impl<'l> Lowering<'l> {
    /// Writes a canonical list: in the frame of the operation's page, under a member of its own, or as a bare array.
    pub(super) fn page(
        &mut self,
        lens: &Items<'_>,
        list: Value<'l>,
        call: &'l Call,
    ) -> Result<Writer, Box<Problem>> {
        let invalid = |cause| Box::new(Problem::bad_gateway("invalid-answer", cause));
        let names = &self.api.page;
        let items = list.member(&names.items).filter(|items| items.kind() == Kind::Array);
        let items = items.ok_or_else(|| invalid("the answer is no list"))?;
        let total =
            list.member(&names.total).and_then(Value::as_i64).and_then(|total| u64::try_from(total).ok());
        let total = total.ok_or_else(|| invalid("the list does not say how long it is"))?;
        let mut out = Writer::with_capacity(items.raw().len());
        match (&self.request.operation.page, self.lifted.page) {
            (Some(page), Some(wanted)) if !page.fields.is_empty() => {
                let members = members(
                    page,
                    wanted,
                    items.len() as u64,
                    total,
                    (&self.request.url, self.request.cursors),
                );
                self.frame(&members, lens, items, call, &mut out)?;
            }
            (Some(_) | None, _) => {
                let members =
                    if lens.under.is_empty() { Vec::new() } else { vec![(lens.under, Content::Items)] };
                if members.is_empty() {
                    self.items(lens, items, call, &mut out)?;
                } else {
                    self.frame(&members, lens, items, call, &mut out)?;
                }
            }
        }
        Ok(out)
    }

    fn items(
        &mut self,
        lens: &Items<'_>,
        items: Value<'l>,
        call: &'l Call,
        out: &mut Writer,
    ) -> Result<(), Box<Problem>> {
        let (lines, mut told) = (self.lines(), 0);
        out.array_begin();
        let is_meant = |(_, item): &(usize, Value<'_>)| lens.only.iter().all(|(at, is)| holds(*item, at, is));
        for (index, item) in items.elements().enumerate().filter(is_meant) {
            let before = out.len();
            let list = &self.api.page.items;
            self.reads(|| vec![Segment::Name(list.clone()), Segment::Index(index)]);
            self.enter(|| Segment::Index(told));
            let outcome = self.value(lens.lens, item, call, out);
            self.leave();
            match outcome {
                Err(problem) if lens.omits && problem.code == UNREPRESENTABLE => {
                    out.truncate(before);
                    self.omitted += 1;
                    self.left_out();
                }
                outcome => {
                    outcome?;
                    told += 1;
                }
            }
        }
        out.array_end();
        self.wrote_list(lines, Some(&self.api.page.items), (told, items.len()));
        Ok(())
    }

    /// Writes the members, those with a common beginning into one object.
    fn frame(
        &mut self,
        members: &[Member<'_>],
        lens: &Items<'_>,
        items: Value<'l>,
        call: &'l Call,
        out: &mut Writer,
    ) -> Result<(), Box<Problem>> {
        out.object_begin();
        for (index, (path, content)) in members.iter().enumerate() {
            let Some((name, rest)) = path.split_first() else {
                continue;
            };
            let begins = |(path, _): &&Member<'_>| path.first() == Some(name);
            if members[..index].iter().any(|member| begins(&member)) {
                continue;
            }
            out.key(name);
            self.enter(|| Segment::Name(name.to_string()));
            match content {
                _ if !rest.is_empty() => {
                    let below = members.iter().filter(begins);
                    let below: Vec<Member<'_>> =
                        below.map(|(path, content)| (&path[1..], content.clone())).collect();
                    self.frame(&below, lens, items, call, out)?;
                }
                Content::Items => self.items(lens, items, call, out)?,
                Content::Json(slot, json) => {
                    out.raw(json);
                    self.wrote_slot(*slot, json);
                }
            }
            self.leave();
        }
        out.object_end();
        Ok(())
    }
}

/// The members that have something to say.
fn members<'p>(
    page: &'p Page,
    wanted: Wanted,
    shown: u64,
    total: u64,
    at: (&Url, Cursors),
) -> Vec<Member<'p>> {
    let content = |slot| match slot {
        PageSlot::Items => Some(Content::Items),
        slot => page.show(slot, wanted, shown, total, at).map(|json| Content::Json(slot, json)),
    };
    page.fields.iter().filter_map(|(path, slot)| Some((path.as_slice(), content(*slot)?))).collect()
}
