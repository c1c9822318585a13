//! Which records count. Law: a group counts when all its records are there, and then for good.
//!
//! A commit's inserts are not one transaction: a crash, or two replicas at once, may leave a part of a group. But a
//! writer begins only behind records of which it knows that they count, and a seq that was filled is never free again.
//! So any record of a group that begins at `first` proves that all before `first` count, only records from the last
//! `first` on have to be looked at, and what is found there does not change: a whole group stays whole, and one that
//! has a stranger in its range stays broken.

use super::document::Skeleton;
use super::tail::Group;

/// What is to be done with the records behind those that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// There are none.
    End,
    /// So many count.
    Count(u64),
    /// So many belong to broken groups: they can be made tombstones.
    Broken(u64),
    /// A group is not whole yet: the first seq that is not there, and the number of the group that it is missed by.
    Waits {
        /// The seq.
        at: u64,
        /// The group's number.
        nonce: i64,
    },
}

/// Looks at the records from `from` on, all of them, ascending; all before `from` count.
pub(super) fn next(from: u64, records: &[Skeleton]) -> Next {
    let Some(first) = records.first() else { return Next::End };
    if first.seq() > from {
        return Next::Waits { at: from, nonce: first.group.nonce };
    }
    let group = first.group;
    if group.first != from {
        let broken = records.iter().enumerate().take_while(|(place, record)| {
            let seq = from + *place as u64;
            record.seq() == seq && record.group.first < seq
        });
        return Next::Broken(broken.count() as u64);
    }
    for (place, seq) in (group.first..group.end()).enumerate() {
        match records.get(place) {
            Some(record) if record.seq() == seq && record.group == group => {}
            Some(record) if record.seq() == seq => return Next::Broken(place as u64),
            _ if range_has_stranger(&records[place..], group) => return Next::Broken(place as u64),
            _ => return Next::Waits { at: seq, nonce: group.nonce },
        }
    }
    Next::Count(group.count)
}

fn range_has_stranger(records: &[Skeleton], group: Group) -> bool {
    records.iter().any(|record| record.seq() < group.end() && record.group != group)
}

/// What a window of records shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Records below this seq count.
    pub(super) until: u64,
    /// If this group is whole, its records count too; some of them lie outside of the window.
    pub(super) unsure: Option<Group>,
}

/// Looks at records from `from` on, ascending; `whole` if there are none behind them.
pub(super) fn seen(from: u64, records: &[Skeleton], whole: bool) -> Seen {
    // A record in its place is followed by those that count with it; a gap ends them.
    let dense = records.iter().enumerate().take_while(|(place, record)| record.seq() == from + *place as u64).count();
    let proved = records.iter().map(|record| record.group.first).max().unwrap_or(from);
    let sure = proved.clamp(from, from + dense as u64);
    let Some(record) = records.get(index(sure - from)).filter(|record| record.seq() == sure) else {
        return Seen { until: sure, unsure: None };
    };
    let group = record.group;
    if group.first > sure || (group.first < sure && sure > from) {
        return Seen { until: sure, unsure: None };
    }
    let inside = records[index(sure - from)..].iter().take_while(|record| record.group == group).count() as u64;
    let last = sure + inside;
    if group.first == sure && inside == group.count {
        return Seen { until: last, unsure: None };
    }
    // What is missing lies before the window or behind it, or it is not there.
    let cut = last < group.end() && index(last - from) == records.len() && !whole;
    let unsure = last == group.end() || cut;
    Seen { until: sure, unsure: unsure.then_some(group) }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Whether these are all records of a group.
pub(super) fn is_whole(group: Group, records: &[Skeleton]) -> bool {
    records.len() as u64 == group.count && records.iter().all(|record| record.group == group)
}

#[cfg(test)]
mod tests {
    use super::super::super::place::Cid;
    use super::super::tail::Tail;
    use super::*;

    /// Records of groups: (seq, first, count, nonce).
    fn records(of: &[(u64, u64, u64, i64)]) -> Vec<Skeleton> {
        let record = |&(seq, first, count, nonce): &(u64, u64, u64, i64)| Skeleton {
            cid: Cid([0; 16]),
            tail: Tail { seq, ..Tail::EMPTY },
            group: Group { first, count, nonce },
            next_epoch: None,
        };
        of.iter().map(record).collect()
    }

    #[test]
    fn whole_groups_count_and_others_wait() {
        assert_eq!(next(5, &[]), Next::End);
        assert_eq!(next(5, &records(&[(5, 5, 1, 1), (6, 6, 1, 2)])), Next::Count(1));
        assert_eq!(next(5, &records(&[(5, 5, 2, 1), (6, 5, 2, 1)])), Next::Count(2));
        assert_eq!(next(5, &records(&[(5, 5, 3, 1), (7, 5, 3, 1)])), Next::Waits { at: 6, nonce: 1 });
        assert_eq!(next(5, &records(&[(5, 5, 2, 1)])), Next::Waits { at: 6, nonce: 1 });
        assert_eq!(next(5, &records(&[(6, 5, 2, 1)])), Next::Waits { at: 5, nonce: 1 });
    }

    #[test]
    fn a_stranger_in_its_range_breaks_a_group() {
        // One has 5 and 7, the other 6: neither can ever be whole.
        assert_eq!(next(5, &records(&[(5, 5, 3, 1), (6, 5, 2, 2), (7, 5, 3, 1)])), Next::Broken(1));
        assert_eq!(next(6, &records(&[(6, 5, 2, 2), (7, 5, 3, 1)])), Next::Broken(2));
        // Another one stands at 7 while 6 is still missing.
        assert_eq!(next(5, &records(&[(5, 5, 3, 1), (7, 7, 1, 0)])), Next::Broken(1));
        // Filled at 7, which proves nothing of 5 and 6.
        let filled = records(&[(5, 5, 4, 1), (6, 5, 4, 1), (7, 5, 3, 9)]);
        assert_eq!(next(5, &filled), Next::Broken(2));
        assert_eq!(seen(5, &filled, true), Seen { until: 5, unsure: None });
        // What a slower writer left behind a whole group.
        let left = records(&[(5, 5, 2, 1), (6, 5, 2, 1), (7, 5, 4, 2), (8, 5, 4, 2)]);
        assert_eq!(next(5, &left), Next::Count(2));
        assert_eq!(next(7, &left[2..]), Next::Broken(2));
        assert_eq!(next(7, &left[3..]), Next::Waits { at: 7, nonce: 2 });
    }

    #[test]
    fn a_window_shows_what_counts() {
        let sure = |until| Seen { until, unsure: None };
        let group = Group { first: 3, count: 3, nonce: 1 };
        let unsure = |until| Seen { until, unsure: Some(group) };
        let three = [(3, 3, 3, 1), (4, 3, 3, 1), (5, 3, 3, 1)];
        assert_eq!(seen(3, &[], true), sure(3));
        assert_eq!(seen(3, &records(&three), true), sure(6));
        assert_eq!(seen(3, &records(&three[..2]), true), sure(3), "cut short by a crash");
        assert_eq!(seen(3, &records(&three[..2]), false), unsure(3), "cut short by the limit");
        assert_eq!(seen(4, &records(&three[1..]), true), unsure(4), "its first lies before the window");
        assert_eq!(seen(4, &records(&three[1..2]), false), unsure(4));
        assert_eq!(seen(4, &records(&three[1..2]), true), sure(4));
        assert_eq!(seen(3, &records(&[three[0], three[2]]), true), sure(3));
        assert_eq!(seen(3, &records(&three[1..]), true), sure(3), "nothing stands at the window's begin");
        assert_eq!(seen(1, &records(&[(1, 1, 1, 5), (2, 2, 1, 6), three[0], three[1]]), true), sure(3));
        assert_eq!(seen(4, &records(&[three[1], three[2], (6, 6, 1, 9)]), false), sure(7), "a later group proves it");
        let left = [three[0], three[1], three[2], (6, 3, 5, 2)];
        assert_eq!(seen(3, &records(&left), true), sure(6), "the rest of a broken group does not count");
        assert_eq!(seen(4, &records(&left[1..]), true), unsure(4));
    }
}
