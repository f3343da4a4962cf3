use super::peer::{PENDING_BYTES_MAX, Peer, Stage};

#[test]
fn peer_that_is_cut_off_gets_nothing_after_the_message_that_was_dropped() {
    let mut peer = Peer::default();
    assert!((0..4).all(|_| !peer.push(vec![0; PENDING_BYTES_MAX / 4])));
    assert!(peer.push(b"x".to_vec()));
    assert!(peer.queue.is_empty());
    assert!(!peer.push(b"y".to_vec()));
    assert!(peer.queue.is_empty());
    assert_eq!(peer.stage, Stage::CutOff);
}

#[test]
fn what_is_being_written_counts_until_it_is_written() {
    let mut peer = Peer::default();
    assert!(!peer.push(vec![0; PENDING_BYTES_MAX]));
    let segment = peer.queue.take().unwrap();
    assert!(peer.push(b"x".to_vec()), "over the bound while it is written");
    let mut peer = Peer::default();
    assert!(!peer.push(segment));
    let segment = peer.queue.take().unwrap();
    peer.queue.give_back(segment);
    assert!(!peer.push(b"x".to_vec()));
}
