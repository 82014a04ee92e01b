//! The floor that reads one borrowed string: bare reqwest, frames, and serde for the delta alone.

mod floor;

use floor::Floor;
use kit::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    kit::main::<Floor<true>>();
}
