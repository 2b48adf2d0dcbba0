//! What a client is told that floods us with frames, in the clear and over TLS, however far the answer has come that it was just then
//! being sent.

use std::time::Duration;

use futures_util::future::join3;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, split},
    time::{Instant, sleep},
};

use super::{
    support::config,
    ways::{Connected, Flow, Way, connect, run},
};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

/// What a client may have outstanding in this test: more than any answer.
const WINDOW: u32 = 1 << 20;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The beginning of a connection, and a request for so many bytes on its third stream.
fn request(length: usize) -> Vec<u8> {
    let path = format!("/{length}");
    let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", &path)];
    let literal = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value)| [vec![0], literal(name), literal(value)].concat();
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[&[0, 4], &WINDOW.to_be_bytes()[..]].concat()),
        frame(WINDOW_UPDATE, 0, 0, &WINDOW.to_be_bytes()),
        frame(HEADERS, 0x5, 5, &fields.map(field).concat()),
    ]
    .concat()
}

/// Far more than there is room for, of a kind that is not answered.
fn flood() -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()).repeat(15_000)
}

/// Takes a text of frames apart, which has to end where one ends. Each with its type, its stream and its payload.
fn frames(mut text: &[u8]) -> Vec<(u8, u32, &[u8])> {
    let mut frames = Vec::new();
    while !text.is_empty() {
        let (&[high, middle, low, kind, _flags, a, b, c, d], rest) = text.split_first_chunk().unwrap();
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        let (payload, rest) = rest.split_at(length);
        frames.push((kind, u32::from_be_bytes([a, b, c, d]), payload));
        text = rest;
    }
    frames
}

#[tokio::test(start_paused = true)]
async fn who_floods_is_told_between_two_frames_wherever_the_answer_stands() {
    // The way is full at another place of another frame each time, and once all of the answer is there.
    let rooms = [300, 5000, 16_409, 16_410, 16_411, 40_000, 200_000];
    for (way, room) in Way::ALL.into_iter().flat_map(|way| rooms.map(|room| (way, room))) {
        let mut cut = Vec::new();
        for length in [0, 100, 16_384, 100_000] {
            run(async {
                let Connected { client, flow, served, metrics, .. } = connect(config(), way, room).await;
                let (mut reader, mut writer) = split(client);
                let writing = async {
                    flow.set(Flow::Held);
                    writer.write_all(&request(length)).await.unwrap();
                    // The answer comes as far as it comes.
                    sleep(Duration::from_millis(10)).await;
                    writer.write_all(&flood()).await.ok();
                };
                let later = async {
                    sleep(Duration::from_millis(500)).await;
                    flow.set(Flow::Free);
                };
                let mut heard = Vec::new();
                let reading = async {
                    reader.read_to_end(&mut heard).await.ok();
                };
                join3(writing, later, reading).await;
                served.await.unwrap();
                assert_eq!(metrics.connection_floods().get(), 1);
                let frames = frames(&heard);
                let told: Vec<_> = frames.iter().filter(|(kind, ..)| *kind == GOAWAY).collect();
                // The newest stream was 5, and 11 is ENHANCE_YOUR_CALM (RFC 9113, section 7).
                let expected = [0, 0, 0, 5, 0, 0, 0, 11];
                assert!(
                    matches!(told[..], [(_, 0, payload)] if payload.starts_with(&expected)),
                    "{way:?}, {room}, {length}: {told:?}"
                );
                assert_eq!(frames.last().unwrap().0, GOAWAY, "{way:?}, {room}, {length}");
                let data = frames.iter().filter(|(kind, stream, _)| (*kind, *stream) == (DATA, 5));
                let data: Vec<_> = data.flat_map(|(.., payload)| payload.iter()).collect();
                assert!(data.iter().all(|byte| **byte == b'x'));
                cut.push(data.len() < length);
            })
            .await;
        }
        // So there was something to be cut, unless the way and TLS have room for all.
        assert!(cut.contains(&true) || room >= 40_000, "{way:?}, {room}: {cut:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_floods_and_does_not_read_is_left_after_a_moment() {
    for (way, room) in Way::ALL.into_iter().flat_map(|way| [300, 5000].map(|room| (way, room))) {
        run(async {
            let Connected { client, flow, served, .. } = connect(config(), way, room).await;
            flow.set(Flow::Shut);
            let (_reader, mut writer) = split(client);
            let start = Instant::now();
            writer.write_all(&request(1_000_000)).await.unwrap();
            writer.write_all(&flood()).await.ok();
            served.await.unwrap();
            assert!(start.elapsed() < Duration::from_secs(2), "{way:?}, {room}: {:?}", start.elapsed());
        })
        .await;
    }
}
