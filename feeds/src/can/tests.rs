use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::capture::CaptureError;
use crate::net::{file_header, packet_header};

fn read(line: &str) -> Result<Frame, String> {
    candump(line.as_bytes()).map(|logged| logged.frame).map_err(|error| error.to_string())
}

#[test]
fn lines_of_every_kind_are_read() {
    let frame = read("(1.5) can0 123#00.11.22").unwrap();
    assert_eq!((frame.id, frame.length, frame.data()), (0x123, 3, &[0, 0x11, 0x22][..]));
    assert!(!frame.is_extended && !frame.is_error && !frame.is_remote);
    let frame = read("(0.000001) vcan0 1F334455#0011223344556677_B R").unwrap();
    assert_eq!((frame.id, frame.is_extended, frame.length), (0x1F33_4455, true, 8));
    let frame = read(" (1) can0 7FF#R4 T ").unwrap();
    assert_eq!((frame.is_remote, frame.length, frame.data()), (true, 4, &[][..]));
    let frame = read("(1.0) can0 20000080#0000").unwrap();
    assert_eq!((frame.is_error, frame.is_extended, frame.id), (true, false, 0x80));
    let fd = format!("(1.0) can0 123##1{}", "a5".repeat(64));
    assert_eq!(read(&fd).unwrap().data(), [0xA5; 64]);
    let logged = candump(b"(46408.584930) can128 2E4#").unwrap();
    assert_eq!((logged.ts_ns, logged.interface), (46_408_584_930_000, "can128"));
    assert_eq!(logged.frame.length, 0);
}

#[test]
fn lines_that_are_none_say_where() {
    for (line, error) in [
        ("", "offset 0: expected '(' before the time, found the end of the input"),
        ("(x) can0 1#", "offset 1: expected seconds with up to nine digits"),
        ("(1.0000000001) can0 123#", "offset 13: expected seconds with up to nine digits"),
        ("(1.0)", "offset 5: expected an interface"),
        ("(1.0) can0 12#00", "offset 13: expected an identifier of 3 or 8"),
        ("(1.0) can0 800#00", "offset 11: expected an identifier of 11 or 29 bits, found 2048"),
        ("(1.0) can0 123#0", "offset 16: expected two digits for a byte"),
        ("(1.0) can0 123#001122334455667788", "offset 33: expected no more data"),
        ("(1.0) can0 123###00", "offset 15: expected a frame of CAN or CAN FD"),
        ("(1.0) can0 123#00 x", "offset 18: expected the end of the line"),
        ("(99999999999.0) can0 123#", "offset 14: expected seconds"),
    ] {
        let found = read(line).unwrap_err();
        assert!(found.starts_with(error), "{line}: {found}");
    }
}

fn packet(word: u32, length: u8, data: &[u8]) -> Vec<u8> {
    [&word.to_be_bytes()[..], &[length, 0, 0, 0], data].concat()
}

#[test]
fn packets_are_read() {
    let frame = socketcan(&packet(0x99F0_142B, 3, &[1, 2, 3, 0xFF])).unwrap();
    assert_eq!((frame.id, frame.is_extended, frame.data()), (0x19F0_142B, true, &[1, 2, 3][..]));
    let frame = socketcan(&packet(REMOTE_FLAG | 0x123, 8, &[])).unwrap();
    assert_eq!((frame.is_remote, frame.length, frame.data()), (true, 8, &[][..]));
    assert!(socketcan(&packet(ERROR_FLAG | 0x80, 8, &[0; 8])).unwrap().is_error);
    for (bytes, error) in [
        (packet(1, 4, &[0; 3]), "offset 8: expected the data that the length claims"),
        (packet(1, 65, &[0; 65]), "offset 4: expected at most 64 bytes"),
        (packet(1, 0x80, &[0; 65]), "offset 4: expected a frame of CAN or CAN FD, not CAN XL"),
        (packet(0x800, 0, &[]), "offset 0: expected an identifier of 11 bits"),
        (vec![0; 7], "offset 0: expected a SocketCAN header of 8 bytes"),
    ] {
        let found = socketcan(&bytes).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found}");
    }
}

fn pcap(link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = file_header(link).to_vec();
    for (ts, packet) in (0..).zip(packets) {
        file.extend(packet_header(ts, packet.len() as u32));
        file.extend(packet);
    }
    file
}

#[test]
fn a_capture_is_known_by_its_content() {
    let good = packet(5, 1, &[9]);
    let file = pcap(227, &[good.clone(), packet(5, 2, &[9]), good]);
    let mut capture = CanCapture::from_reader(Cursor::new(file)).unwrap();
    assert_eq!(capture.next().unwrap().unwrap().frame.data(), [9]);
    let error = capture.next().unwrap_err().to_string();
    assert!(error.starts_with("offset 73: expected the data"), "{error}");
    assert_eq!(capture.next().unwrap().unwrap().ts_ns, 2);
    assert_eq!(capture.next().unwrap(), None);

    let log = "(1.0) can0 001#\n\n(2.0) can1 0\n(3.0) can1 002#\n";
    let mut capture = CanCapture::from_reader(Cursor::new(log)).unwrap();
    assert_eq!(capture.next().unwrap().unwrap().interface, Some("can0"));
    assert!(matches!(capture.next(), Err(CaptureError::Decode(error)) if error.offset == 29));
    let last = capture.next().unwrap().unwrap();
    assert_eq!((last.offset, last.ts_ns), (30, 3_000_000_000));
    assert_eq!(capture.next().unwrap(), None);

    let mut ethernet = CanCapture::from_reader(Cursor::new(pcap(1, &[vec![0; 60]]))).unwrap();
    assert!(matches!(ethernet.next(), Err(CaptureError::NotSocketCan { link: 1 })));
    let error = CanCapture::from_reader(Cursor::new("{}")).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("expected lines of candump"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(frame) = socketcan(&bytes) {
            prop_assert!(frame.data().len() <= bytes.len());
        }
        if let Err(error) = candump(&bytes) {
            prop_assert!(error.offset <= bytes.len() as u64);
        }
    }

    #[test]
    fn any_damage_of_a_line_is_survived(
        at in 0_usize..40,
        byte: u8,
        cut in 0_usize..40,
    ) {
        let mut line = b"(1436509052.249713) can0 1F334455#1122_9 R".to_vec();
        line[at] = byte;
        line.truncate(cut);
        if let Err(error) = candump(&line) {
            prop_assert!(error.offset <= line.len() as u64);
        }
    }

    #[test]
    fn what_is_written_is_read(
        micros in 0_i64..4_000_000_000_000_000,
        id in 0..=EXTENDED_ID_MAX,
        data in prop::collection::vec(any::<u8>(), 0..=8),
    ) {
        let hex: String = data.iter().map(|byte| format!("{byte:02X}")).collect();
        let (seconds, micro) = (micros / 1_000_000, micros % 1_000_000);
        let line = format!("({seconds}.{micro:06}) can7 {id:08X}#{hex}");
        let logged = candump(line.as_bytes()).unwrap();
        prop_assert_eq!(logged.ts_ns, micros * 1_000);
        prop_assert_eq!((logged.frame.id, logged.frame.data()), (id, data.as_slice()));
        let packet = packet(id | EXTENDED_FLAG, data.len() as u8, &data);
        prop_assert_eq!(socketcan(&packet).unwrap(), logged.frame);
    }
}
