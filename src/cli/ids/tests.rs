//! What the commands say and do, for the dialect of the fixture.
