//! Roles as sets of capabilities, and the partial order that follows from them.
//!
//! What a role may do is a set, so "more privileged" is inclusion of sets: two roles may be equal in
//! privilege, or neither may include the other. Nothing here ranks roles by a number.
//!
//! ```
//! use interlingua::canonical::role::Roles;
//!
//! let mut roles = Roles::new();
//! let invite = roles.declare_capability("invite")?;
//! let remove = roles.declare_capability("remove")?;
//! let owner = roles.declare_role("owner", invite | remove)?;
//! let inviter = roles.declare_role("inviter", invite)?;
//! assert!(roles.includes(owner, inviter));
//! assert!(!roles.includes(inviter, owner));
//! # Ok::<(), interlingua::canonical::role::RoleError>(())
//! ```

use std::cmp::Ordering;
use std::ops::{BitOr, Sub};

use thiserror::Error;

/// A set of capabilities, each declared in one and the same [`Roles`]. Compares by inclusion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u64);

impl Capabilities {
    /// The empty set.
    pub const NONE: Capabilities = Capabilities(0);

    /// Every capability there can be, declared or not.
    pub const ALL: Capabilities = Capabilities(u64::MAX);

    /// Whether all of `other` is in this set.
    pub fn includes(self, other: Capabilities) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self == Capabilities::NONE
    }
}

/// The union of two sets.
impl BitOr for Capabilities {
    type Output = Capabilities;

    fn bitor(self, other: Capabilities) -> Capabilities {
        Capabilities(self.0 | other.0)
    }
}

/// What is in the first set and not in the second.
impl Sub for Capabilities {
    type Output = Capabilities;

    fn sub(self, other: Capabilities) -> Capabilities {
        Capabilities(self.0 & !other.0)
    }
}

impl PartialOrd for Capabilities {
    fn partial_cmp(&self, other: &Capabilities) -> Option<Ordering> {
        match (self.includes(*other), other.includes(*self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

/// One role of a [`Roles`], by its place in the order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Role(u8);

/// The canonical roles and what each of them grants.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    capabilities: Vec<String>,
    roles: Vec<(String, Capabilities)>,
}

/// Why a capability or a role could not be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RoleError {
    /// The name was declared before.
    #[error("declared twice")]
    Duplicate,
    /// There is no room for another one.
    #[error("more than {0} declared")]
    TooMany(usize),
}

impl Roles {
    /// How many capabilities can be told apart.
    pub const CAPABILITIES_MAX: usize = 64;
    /// How many roles can be declared.
    pub const ROLES_MAX: usize = 256;

    /// No capabilities and no roles.
    pub fn new() -> Self {
        Roles::default()
    }

    /// Declares a capability and returns the set that holds it alone.
    pub fn declare_capability(&mut self, name: impl Into<String>) -> Result<Capabilities, RoleError> {
        let name = name.into();
        if self.capability(&name).is_some() {
            return Err(RoleError::Duplicate);
        }
        if self.capabilities.len() == Roles::CAPABILITIES_MAX {
            return Err(RoleError::TooMany(Roles::CAPABILITIES_MAX));
        }
        self.capabilities.push(name);
        Ok(Capabilities(1 << (self.capabilities.len() - 1)))
    }

    /// Declares a role that grants `capabilities`.
    pub fn declare_role(
        &mut self,
        name: impl Into<String>,
        capabilities: Capabilities,
    ) -> Result<Role, RoleError> {
        let name = name.into();
        if self.role(&name).is_some() {
            return Err(RoleError::Duplicate);
        }
        let role = u8::try_from(self.roles.len()).map_err(|_| RoleError::TooMany(Roles::ROLES_MAX))?;
        self.roles.push((name, capabilities));
        Ok(Role(role))
    }

    /// The set that holds the capability of that name alone.
    pub fn capability(&self, name: &str) -> Option<Capabilities> {
        let place = self.capabilities.iter().position(|known| known == name)?;
        Some(Capabilities(1 << place))
    }

    /// The role of that name; names are compared byte by byte.
    pub fn role(&self, name: &str) -> Option<Role> {
        self.all().find(|role| self.name(*role) == name)
    }

    /// All roles in the order of declaration.
    pub fn all(&self) -> impl Iterator<Item = Role> + use<> {
        (0..self.roles.len()).filter_map(|place| u8::try_from(place).ok()).map(Role)
    }

    /// The role's canonical name.
    pub fn name(&self, role: Role) -> &str {
        &self.roles[usize::from(role.0)].0
    }

    /// What the role grants.
    pub fn grants(&self, role: Role) -> Capabilities {
        self.roles[usize::from(role.0)].1
    }

    /// Whether `role` grants everything that `other` does.
    pub fn includes(&self, role: Role, other: Role) -> bool {
        self.grants(role).includes(self.grants(other))
    }

    /// The names in a set, in the order of declaration.
    pub fn capability_names(&self, set: Capabilities) -> impl Iterator<Item = &str> {
        let is_in_set = move |(place, _): &(usize, &String)| set.includes(Capabilities(1 << place));
        self.capabilities.iter().enumerate().filter(is_in_set).map(|(_, name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn roles_are_found_by_their_exact_names() {
        let mut roles = Roles::new();
        let invite = roles.declare_capability("invite").unwrap();
        let owner = roles.declare_role("owner", invite).unwrap();
        assert_eq!(roles.role("owner"), Some(owner));
        assert_eq!(roles.name(owner), "owner");
        for stranger in ["Owner", "owner ", "own", ""] {
            assert_eq!(roles.role(stranger), None, "{stranger}");
        }
        assert_eq!(roles.capability("Invite"), None);
    }

    #[test]
    fn names_are_declared_once() {
        let mut roles = Roles::new();
        roles.declare_capability("invite").unwrap();
        roles.declare_role("owner", Capabilities::NONE).unwrap();
        assert_eq!(roles.declare_capability("invite"), Err(RoleError::Duplicate));
        assert_eq!(roles.declare_role("owner", Capabilities::NONE), Err(RoleError::Duplicate));
    }

    #[test]
    fn the_last_of_the_possible_capabilities_is_one_of_its_own() {
        let mut roles = Roles::new();
        let declared: Vec<_> =
            (0..64).map(|number| roles.declare_capability(format!("c{number}")).unwrap()).collect();
        assert_eq!(roles.declare_capability("c64"), Err(RoleError::TooMany(64)));
        let all = declared.iter().fold(Capabilities::NONE, |all, one| all | *one);
        assert_eq!(roles.capability_names(all).count(), 64);
        assert_eq!(roles.capability_names(declared[63]).collect::<Vec<_>>(), ["c63"]);
        assert_eq!(all - declared[0], declared[1..].iter().fold(Capabilities::NONE, |all, one| all | *one));
    }

    #[test]
    fn there_is_room_for_256_roles() {
        let mut roles = Roles::new();
        for number in 0..256 {
            roles.declare_role(format!("r{number}"), Capabilities::NONE).unwrap();
        }
        assert_eq!(roles.declare_role("r256", Capabilities::NONE), Err(RoleError::TooMany(256)));
        assert_eq!(roles.all().count(), 256);
        assert_eq!(roles.role("r255").map(|role| roles.name(role)), Some("r255"));
    }

    #[test]
    fn roles_with_different_privileges_may_be_incomparable() {
        let mut roles = Roles::new();
        let (bill, invite) =
            (roles.declare_capability("bill").unwrap(), roles.declare_capability("invite").unwrap());
        let accountant = roles.declare_role("accountant", bill).unwrap();
        let recruiter = roles.declare_role("recruiter", invite).unwrap();
        assert!(!roles.includes(accountant, recruiter) && !roles.includes(recruiter, accountant));
        assert_eq!(bill.partial_cmp(&invite), None);
    }

    proptest! {
        #[test]
        fn capabilities_are_partially_ordered(a: u64, b: u64, c: u64) {
            // Sets that overlap often enough for the laws to say something.
            let (a, b, c) = (Capabilities(a & b), Capabilities(a), Capabilities(a | c));
            prop_assert!(a <= b && b <= c && a <= c);
            prop_assert_eq!(a <= b && b <= a, a == b);
            prop_assert_eq!(a.partial_cmp(&c), c.partial_cmp(&a).map(Ordering::reverse));
        }

        #[test]
        fn inclusion_is_an_empty_difference(a: u64, b: u64) {
            for (a, b) in [(a, b), (a | b, b), (a, a & b)] {
                let (a, b) = (Capabilities(a), Capabilities(b));
                prop_assert_eq!(a.includes(b), (b - a).is_empty());
                prop_assert_eq!(a.includes(b), a | b == a);
            }
        }
    }
}
