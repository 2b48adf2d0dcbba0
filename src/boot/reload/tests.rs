//! A step back to the old upstream beside a reload, and a disk that does not answer.

use std::{path::Path, sync::mpsc, thread};

use serde_json::Value;

use super::*;
use crate::{
    boot::{DataFiles, load, shadows::ShadowThread},
    server::{self, Drain, ListenerConfig, Server},
    telemetry::{Explanations, Metrics},
    upstream,
};

/// Longer than anything takes.
const LONG: Duration = Duration::from_mins(1);

fn registry() -> Registry {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retiring");
    let (mappings, schemas) = (Some(folder.join("mappings")), Some(folder.join("schemas")));
    load(&DataFiles { mappings, schemas }, &mut Sources::default()).unwrap().registry.unwrap()
}

/// One whose files always say the same, with an old upstream of `bureau`.
fn reloader(keeper: &Arc<Keeper>) -> Reloader {
    let nowhere = || upstream::Config::new("http://127.0.0.1:1".parse().unwrap());
    let mut config = Config::default();
    let listeners = vec![ListenerConfig { address: ([127, 0, 0, 1], 0).into(), tls: None }];
    config.server = server::Config { listeners, ..config.server };
    config.upstream = Some(nowhere());
    config.legacy.insert("bureau".to_owned(), nowhere());
    let (metrics, explanations) = (Metrics::new(), Explanations::default());
    let around = Surroundings { metrics, explanations, usage: None, built_in: None, drain: Drain::new() };
    let parts = Parts::make(&config, registry(), &around, None).unwrap();
    let certificates = Server::bind(config.server.clone()).unwrap().certificates();
    let workers = Arc::new(Workers::new(&parts, false, ShadowThread::new(false)));
    let files = config.clone();
    let reread = move |_: &mut Sources, _: &mut Diagnostics| {
        Ok(Some(Files { config: files.clone(), source: None, registry: Some(registry()) }))
    };
    let loaded = (parts, "0".to_owned(), Said::default());
    let keeper = Some(Arc::clone(keeper));
    Reloader::new(Box::new(reread), config, around, workers, certificates, loaded, keeper)
}

#[tokio::test(start_paused = true)]
async fn a_step_back_waits_for_no_disk_and_nobody_waits_for_the_step_back() {
    let (go, held) = mpsc::channel::<()>();
    let mut is_start = true;
    // A disk that does not answer from the start on, until it is let go.
    let hang = move |_: &Said| {
        if !std::mem::take(&mut is_start) {
            held.recv_timeout(LONG).ok();
        }
        Ok(())
    };
    let keeper = Arc::new(Keeper::start(Said::default(), hang).unwrap());
    keeper.settle().unwrap();
    let reloader = reloader(&keeper);
    let step_back = || What::Set { dialect: "bureau".to_owned(), json: r#"{"mode": "legacy"}"#.into() };
    let (told, changed) = reloader.modes(step_back());
    let Changed { keeping, .. } = changed.unwrap_or_else(|| panic!("{told:?}"));
    let shown = || {
        let Value::Object(shown) = reloader.modes(What::Show).0.json else { panic!() };
        (shown["dialects"]["bureau"]["mode"]["mode"].clone(), shown["persisted"].clone())
    };
    assert_eq!(shown(), ("legacy".into(), false.into()));

    // A reload is made meanwhile, and what it says of the digest waits for nobody who makes one.
    let (outcome, taken) = reloader.reload(&Decision::default());
    assert_eq!((outcome.result, outcome.ended), (LoadResult::Taken, Vec::new()));
    assert!(taken.unwrap().keeping.is_none(), "nothing was ended");
    thread::scope(|scope| {
        let (tells, told) = mpsc::channel();
        let current = reloader.current();
        let reloader = &reloader;
        let failed = move || tells.send(reloader.failed("given up".to_owned()).digest);
        let failed = scope.spawn(failed);
        let told = told.recv_timeout(LONG);
        drop(current);
        failed.join().unwrap().unwrap();
        assert_eq!(told, Ok(outcome.digest));
    });

    // The clock goes on by itself where nothing else does.
    let cause = keeping.unwrap().outcome().await.unwrap_err();
    assert!(cause.contains("has not answered"), "{cause}");
    let told = told.not_kept(&cause);
    assert_eq!((told.status.as_u16(), &told.json["persisted"]), (202, &false.into()));
    drop(go);
    // As soon as the disk answers it is kept.
    keeper.settle().unwrap();
    assert_eq!(shown(), ("legacy".into(), true.into()));
}
