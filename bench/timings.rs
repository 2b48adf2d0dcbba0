//! Wall time of every phase that needs no backend, and of `serde_json` on the list that one of them is about, by hand:
//!
//! ```sh
//! python3 bench/workloads.py target/bench && cargo bench -p interlingua-bench
//! ```
//!
//! It says nothing on a machine that does something else meanwhile; `bench/counts` does.

use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};

fn every_step(criterion: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    for mut phase in interlingua_bench::steps(&folder).expect("the cases are there, and are served") {
        let name = phase.name.clone();
        criterion.bench_function(&name, |bencher| bencher.iter(|| phase.run(1)));
    }
}

criterion_group!(benches, every_step);
criterion_main!(benches);
