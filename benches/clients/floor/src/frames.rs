//! The floor that only cuts frames: bare reqwest, and a search for the end of each.

mod floor;

use floor::Floor;
use kit::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    kit::main::<Floor<false>>();
}
