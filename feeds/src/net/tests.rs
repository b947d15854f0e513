use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::decode::testing::assert_decoder_holds_its_promises;
use crate::decode::{Decoded, Decoder};

/// A writer of pcapng blocks in the byte order of choice.
struct PcapNg {
    big: bool,
    bytes: Vec<u8>,
}

impl PcapNg {
    fn new(big: bool) -> Self {
        let mut file = Self { big, bytes: Vec::new() };
        let mut body = file.u32(0x1A2B_3C4D).to_vec();
        body.extend([file.u16(1), file.u16(0)].concat());
        body.extend([0xFF; 8]);
        file.block(0x0A0D_0D0A, &body);
        file
    }

    fn u16(&self, number: u16) -> [u8; 2] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(&self, number: u32) -> [u8; 4] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let padded = body.len().next_multiple_of(4);
        let total = self.u32(padded as u32 + 12);
        self.bytes.extend(self.u32(kind));
        self.bytes.extend(total);
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
        self.bytes.extend(total);
    }

    fn interface(&mut self, link: u16, snap: u32, resolution: Option<u8>) {
        let mut body = [self.u16(link), self.u16(0)].concat();
        body.extend(self.u32(snap));
        // An option of no interest, with a length that is padded.
        body.extend([self.u16(2), self.u16(3)].concat());
        body.extend(*b"eth\0");
        if let Some(resolution) = resolution {
            body.extend([self.u16(9), self.u16(1)].concat());
            body.extend([resolution, 0, 0, 0]);
        }
        body.extend([0; 4]);
        self.block(1, &body);
    }

    fn enhanced(&mut self, interface: u32, units: u64, data: &[u8], original: u32) {
        let high = (units >> 32) as u32;
        let words = [interface, high, units as u32, data.len() as u32, original];
        let mut body: Vec<u8> = words.into_iter().flat_map(|word| self.u32(word)).collect();
        body.extend(data);
        self.block(6, &body);
    }

    fn old(&mut self, interface: u16, units: u64, data: &[u8]) {
        let mut body = [self.u16(interface), self.u16(0)].concat();
        let length = data.len() as u32;
        for word in [(units >> 32) as u32, units as u32, length, length] {
            body.extend(self.u32(word));
        }
        body.extend(data);
        self.block(2, &body);
    }

    fn simple(&mut self, data: &[u8], original: u32) {
        let mut body = self.u32(original).to_vec();
        body.extend(data);
        self.block(3, &body);
    }
}

/// Time, link type, length on the wire and data of every packet.
type Read = (Option<i64>, u32, u32, Vec<u8>);

fn read(
    decoder: &mut impl for<'b> Decoder<Message<'b> = Packet<'b>>,
    mut bytes: &[u8],
) -> Vec<Read> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        let used = match decoder.decode(bytes).unwrap() {
            Decoded::Message { message: packet, consumed } => {
                assert_eq!(&bytes[packet.offset..][..packet.data.len()], packet.data);
                let data = packet.data.to_vec();
                packets.push((packet.ts_ns, packet.link, packet.original_bytes, data));
                consumed
            }
            Decoded::Skip { consumed } => consumed,
            Decoded::NeedMore { needed } => panic!("{needed} bytes of {}", bytes.len()),
        };
        bytes = &bytes[used..];
    }
    packets
}

#[test]
fn pcapng_blocks_of_every_kind_in_both_orders() {
    for big in [false, true] {
        let mut file = PcapNg::new(big);
        file.interface(1, 0, None);
        file.interface(101, 0, Some(9));
        file.interface(1, 3, Some(0x80 | 10));
        file.block(0xBAD, b"whatever");
        file.enhanced(0, 1_500_000, b"micro", 5);
        file.enhanced(1, 1_577_664_000_000_000_001, b"nanos", 1000);
        file.enhanced(2, 1536, b"", 0);
        file.old(1, 7, b"old");
        file.simple(b"simple", 6);
        let second = PcapNg::new(!big);
        file.bytes.extend(second.bytes);

        let expected = [
            (Some(1_500_000_000), 1, 5, b"micro".to_vec()),
            (Some(1_577_664_000_000_000_001), 101, 1000, b"nanos".to_vec()),
            (Some(1_500_000_000), 1, 0, vec![]),
            (Some(7), 101, 3, b"old".to_vec()),
            (None, 1, 6, b"simple".to_vec()),
        ];
        assert_eq!(read(&mut PcapNgDecoder::default(), &file.bytes), expected);
    }
}

#[test]
fn a_simple_packet_ends_at_the_snap_length() {
    let mut file = PcapNg::new(false);
    file.interface(1, 3, None);
    file.simple(b"sim", 6);
    let packets = read(&mut PcapNgDecoder::default(), &file.bytes);
    assert_eq!(packets, [(None, 1, 6, b"sim".to_vec())]);
}

#[test]
fn a_packet_of_no_interface_is_told_and_can_be_skipped() {
    let mut file = PcapNg::new(true);
    let start = file.bytes.len();
    file.enhanced(0, 0, b"lost", 4);
    let mut decoder = PcapNgDecoder::default();
    decoder.decode(&file.bytes).unwrap();
    let error = decoder.decode(&file.bytes[start..]).unwrap_err();
    assert_eq!(error.resume, Some(file.bytes.len() - start));
}

#[test]
fn pcap_in_both_orders_and_units() {
    for (big, nanos) in [(false, false), (false, true), (true, false), (true, true)] {
        let word = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
        let magic = if nanos { 0xA1B2_3C4D } else { 0xA1B2_C3D4 };
        let mut file: Vec<u8> = word(magic).to_vec();
        file.extend([0; 16]);
        file.extend(word(113));
        for number in [3, 4, 5, 9] {
            file.extend(word(number));
        }
        file.extend(b"frame");
        let ts_ns = if nanos { 3_000_000_004 } else { 3_000_004_000 };
        let packets = read(&mut PcapDecoder::default(), &file);
        assert_eq!(packets, [(Some(ts_ns), 113, 9, b"frame".to_vec())]);
    }
}

#[test]
fn a_claimed_length_beyond_the_limit_is_an_error() {
    let mut file = file_header(1).to_vec();
    file.extend(packet_header(0, u32::MAX));
    let mut decoder = PcapDecoder::default();
    decoder.decode(&file).unwrap();
    let error = decoder.decode(&file[24..]).unwrap_err();
    assert_eq!((error.found, error.resume), (Found::Length(u32::MAX as usize), None));

    let mut file = PcapNg::new(false);
    let start = file.bytes.len();
    file.bytes.extend([6, 0, 0, 0, 0, 0, 0, 0x7F, 0, 0, 0, 0]);
    let mut decoder = PcapNgDecoder::default();
    decoder.decode(&file.bytes).unwrap();
    assert_eq!(decoder.decode(&file.bytes[start..]).unwrap_err().resume, None);
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut udp = [1000_u16, 2000, 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat();
    udp.extend(payload);
    udp
}

/// An IPv4 packet with `options` bytes of options.
fn ipv4(options: usize, flags_and_offset: u16, protocol: u8, body: &[u8]) -> Vec<u8> {
    let total = (20 + options + body.len()) as u16;
    let mut ip = vec![0x45 + (options / 4) as u8, 0];
    ip.extend(total.to_be_bytes());
    ip.extend([0, 0]);
    ip.extend(flags_and_offset.to_be_bytes());
    ip.extend([64, protocol, 0, 0, 10, 0, 0, 1, 239, 1, 2, 3]);
    ip.resize(ip.len() + options, 1);
    ip.extend(body);
    ip
}

fn ipv6(next: u8, body: &[u8]) -> Vec<u8> {
    let mut ip = vec![0x60, 0, 0, 0];
    ip.extend((body.len() as u16).to_be_bytes());
    ip.extend([next, 64]);
    ip.extend([0; 15]);
    ip.push(1);
    ip.extend([0xFF, 2]);
    ip.extend([0; 13]);
    ip.push(5);
    ip.extend(body);
    ip
}

fn datagram(link: u32, frame: &[u8]) -> Datagram<'_> {
    match content(link, frame).unwrap() {
        Content::Udp(datagram) => {
            let payload = &frame[datagram.offset..][..datagram.payload.len()];
            assert_eq!(payload, datagram.payload);
            datagram
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payload_is_found_behind_every_link_layer() {
    let ip = ipv4(8, 0x4000, 17, &udp(b"payload"));
    let mut padded = ip.clone();
    padded.extend([0; 6]);
    let frames: [(u32, Vec<u8>); 9] = [
        (1, [&[0; 12][..], &[8, 0], &padded].concat()),
        (1, [&[0; 12][..], &[0x81, 0, 0, 7, 8, 0], &ip].concat()),
        (1, [&[0; 12][..], &[0x88, 0xA8, 0, 7, 0x81, 0, 0, 9, 8, 0], &ip].concat()),
        (113, [&[0; 14][..], &[8, 0], &ip].concat()),
        (276, [&[8, 0][..], &[0; 18], &ip].concat()),
        (101, ip.clone()),
        (228, ip.clone()),
        (0, [&[2, 0, 0, 0][..], &ip].concat()),
        (108, [&[0, 0, 0, 2][..], &ip].concat()),
    ];
    for (link, frame) in &frames {
        let datagram = datagram(*link, frame);
        assert_eq!((datagram.payload, datagram.missing), (&b"payload"[..], 0));
        assert_eq!(datagram.source, "10.0.0.1:1000".parse::<SocketAddr>().unwrap());
        assert_eq!(datagram.destination, "239.1.2.3:2000".parse::<SocketAddr>().unwrap());
    }
}

#[test]
fn a_payload_is_found_behind_the_extension_headers_of_ipv6() {
    let plain = ipv6(17, &udp(b"payload"));
    // Hop-by-hop options of 16 bytes, an authentication header of 24, an atomic fragment, destination options.
    let mut body = vec![51, 1];
    body.extend([0; 14]);
    body.extend([44, 4]);
    body.extend([0; 22]);
    body.extend([60, 0, 0, 0, 0, 0, 0, 9]);
    body.extend([17, 0, 0, 0, 0, 0, 0, 0]);
    body.extend(udp(b"payload"));
    for frame in [plain, ipv6(0, &body)] {
        let datagram = datagram(229, &frame);
        assert_eq!(datagram.payload, b"payload");
        assert_eq!(datagram.destination, "[ff02::5]:2000".parse::<SocketAddr>().unwrap());
    }
    let fragment = ipv6(44, &[&[17, 0, 0, 1, 0, 0, 0, 9][..], &udp(b"payload")].concat());
    assert_eq!(content(101, &fragment), Ok(Content::Fragment));
}

#[test]
fn what_is_no_whole_datagram_is_not_taken_for_one() {
    let body = udp(b"payload");
    assert_eq!(content(101, &ipv4(0, 0x2000, 17, &body)), Ok(Content::Fragment));
    assert_eq!(content(101, &ipv4(0, 0x0010, 17, &body)), Ok(Content::Fragment));
    assert_eq!(content(101, &ipv4(0, 0, 6, &body)), Ok(Content::Other));
    assert_eq!(content(1, &[0; 14]), Ok(Content::Other));
    assert_eq!(content(1, &[0; 13]), Ok(Content::Malformed));
    assert_eq!(content(101, &ipv4(0, 0, 17, &body)[..27]), Ok(Content::Malformed));
    let cut = ipv4(0, 0, 17, &body);
    let datagram = datagram(101, &cut[..cut.len() - 4]);
    assert_eq!((datagram.payload, datagram.missing), (&b"pay"[..], 4));
    let error = content(227, &[]).unwrap_err();
    assert!(error.to_string().starts_with("link type 227 is not supported"));
}

proptest! {
    #[test]
    fn what_is_written_as_pcap_is_read(
        packets in prop::collection::vec(
            (0..4_000_000_000_000_000_000_i64, prop::collection::vec(any::<u8>(), 0..200)),
            0..10,
        ),
    ) {
        let mut file = file_header(1).to_vec();
        for (ts_ns, data) in &packets {
            file.extend(packet_header(*ts_ns, data.len() as u32));
            file.extend(data);
        }
        let expected: Vec<_> = packets
            .into_iter()
            .map(|(ts_ns, data)| (Some(ts_ns), 1, data.len() as u32, data))
            .collect();
        prop_assert_eq!(read(&mut PcapDecoder::default(), &file), expected);
    }

    #[test]
    fn what_is_written_as_pcapng_is_read(
        big: bool,
        packets in prop::collection::vec(
            (0..4_000_000_000_000_000_000_u64, prop::collection::vec(any::<u8>(), 0..200)),
            0..10,
        ),
    ) {
        let mut file = PcapNg::new(big);
        file.interface(1, 0, Some(9));
        for (ts_ns, data) in &packets {
            file.enhanced(0, *ts_ns, data, data.len() as u32);
        }
        let expected: Vec<_> = packets
            .into_iter()
            .map(|(ts_ns, data)| (Some(ts_ns as i64), 1, data.len() as u32, data))
            .collect();
        prop_assert_eq!(read(&mut PcapNgDecoder::default(), &file.bytes), expected);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400), link in 0..300_u32) {
        let mut pcap = PcapDecoder::default();
        pcap.decode(&file_header(1)).unwrap();
        assert_decoder_holds_its_promises(&mut pcap, &bytes);
        assert_decoder_holds_its_promises(&mut PcapNgDecoder::default(), &bytes);
        if let Ok(Content::Udp(datagram)) = content(link, &bytes) {
            prop_assert!(datagram.offset + datagram.payload.len() <= bytes.len());
        }
    }

    #[test]
    fn any_mutation_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        big: bool,
    ) {
        let mut file = PcapNg::new(big);
        file.interface(1, 0, Some(9));
        let frame = [&[0; 12][..], &[8, 0], &ipv4(4, 0, 17, &udp(b"payload"))].concat();
        file.enhanced(0, 1, &frame, 60);
        file.old(0, 1, &frame);
        file.simple(&frame, frame.len() as u32);
        let mut frame6 = ipv6(0, &[&[17, 0, 0, 0, 0, 0, 0, 0][..], &udp(b"payload")].concat());
        for (index, byte) in changes {
            let at = index.index(file.bytes.len());
            file.bytes[at] = byte;
            let at = index.index(frame6.len());
            frame6[at] = byte;
        }
        assert_decoder_holds_its_promises(&mut PcapNgDecoder::default(), &file.bytes);
        if let Ok(Content::Udp(datagram)) = content(101, &frame6) {
            prop_assert!(datagram.offset + datagram.payload.len() <= frame6.len());
        }
    }
}
