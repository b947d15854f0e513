#!/usr/bin/env python3
"""Writes the inputs that Flink and Tidewire are both given: python3 tests/flink/generate.py.

The same seed gives the same bytes, and the files are committed. Whoever changes an input records the answers anew
(scripts/flink.sh), since all queries of the table may change.
"""

import base64
import csv
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

SEED = 20240315
DATA = Path(__file__).parent / "data"


def at(moment, digits=3):
    """The text of a time with so many digits behind the seconds."""
    text = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}"
    return text[: 19 + (digits + 1 if digits else 0)]


def or_null(rng, share, value):
    return None if rng.random() < share else value


def cents(rng, low, high, digits=2):
    """A decimal number as text, exact."""
    unscaled = rng.randint(low, high)
    sign, unscaled = ("-" if unscaled < 0 else ""), abs(unscaled)
    return f"{sign}{unscaled // 10**digits}.{unscaled % 10**digits:0{digits}d}"


def write_csv(name, rows):
    with open(DATA / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in rows:
            writer.writerow(["" if v is None else str(v).lower() if isinstance(v, bool) else v for v in row])


def write_json(name, rows):
    with open(DATA / f"{name}.jsonl", "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def disordered(rng, times, bound, late_share, late_by):
    """Times as they arrive: most are behind the newest by less than the bound, some by more. In seconds."""
    keyed = []
    for time in times:
        delay = rng.uniform(*late_by) if rng.random() < late_share else rng.uniform(0, bound * 0.9)
        keyed.append(((time - datetime(1970, 1, 1)).total_seconds() + delay, time))
    return [time for _, time in sorted(keyed, key=lambda pair: pair[0])]


def trades(rng):
    """Half an hour with a gap of twelve minutes in it; ties; 4 s of disorder, and some rows that are later than 5 s."""
    time, times = datetime(2024, 3, 15, 9, 30), []
    for i in range(900):
        if i == 500:
            time += timedelta(minutes=12)
        elif rng.random() > 0.2:
            time += timedelta(milliseconds=rng.choice([1, 10, 250, 999, 1000, 1500, 4000]))
        times.append(time)
    symbols = ["AAPL", "MSFT", "GOOG", "BRK.B", "NVDA"]
    for ts in disordered(rng, times, 5, 0.04, (6, 50)):
        yield [
            or_null(rng, 0.03, rng.choices(symbols, [8, 5, 3, 1, 2])[0]),
            or_null(rng, 0.04, cents(rng, 1_000, 45_000)),
            or_null(rng, 0.04, rng.choice([1, 5, 10, 100, 100, 250, 1000, -100, 0])),
            or_null(rng, 0.05, rng.choice(["XNAS", "XNYS", "ARCX", "IEXG"])),
            at(ts),
        ]


def sensors(rng):
    """Times never older than the newest but for some rows: the watermark is the newest time itself."""
    time, times = datetime(2024, 6, 1, 23, 50), []
    for _ in range(600):
        time += timedelta(milliseconds=rng.choice([0, 0, 100, 500, 2000, 2000, 7000]))
        times.append(time)
    for ts in disordered(rng, times, 0, 0.05, (0.1, 30)):
        yield [
            or_null(rng, 0.02, rng.randint(1, 6)),
            or_null(rng, 0.05, round(rng.gauss(20, 8), rng.randint(0, 6))),
            or_null(rng, 0.05, rng.choice([0.5, 12.25, 33.3, 47.125, 50.1, 99.9, 100.0])),
            or_null(rng, 0.1, rng.random() < 0.8),
            or_null(rng, 0.3, rng.choice(["ok", "door open", "battery, low", 'said "no"', "künstlich", "reset"])),
            at(ts),
        ]


def purchases(rng):
    """Five days in March 2024, with the night in which New York's clocks go forward."""
    time, times = datetime(2024, 3, 8, 20, 0), []
    for _ in range(700):
        time += timedelta(seconds=rng.choice([0, 1, 30, 240, 600, 1200, 1700]), milliseconds=rng.choice([0, 0, 125]))
        times.append(time)
    for ts in disordered(rng, times, 300, 0.04, (400, 90_000)):
        yield {
            "user_id": or_null(rng, 0.03, f"u{rng.randint(1, 12)}"),
            "amount": or_null(rng, 0.03, float(cents(rng, 50, 900_000))),
            "ts": at(ts) + "Z",
        }


def sparse(rng):
    """From 1901 to 2150, few and far between; the milliseconds around the epoch."""
    moments = [datetime(1901, 12, 13, 20, 45, 52), datetime(1930, 1, 1), datetime(1969, 12, 31, 23, 59, 50)]
    epoch = datetime(1970, 1, 1)
    moments += [epoch + timedelta(milliseconds=ms) for ms in (-10_001, -10_000, -9_999, -5_000, -1_001, -1_000, -999)]
    moments += [epoch + timedelta(milliseconds=ms) for ms in (-1, 0, 0, 1, 999, 1_000, 4_999, 5_000, 9_999, 10_000)]
    time = datetime(1968, 2, 28, 23, 59, 59)
    for _ in range(90):
        time += timedelta(seconds=rng.choice([1, 7, 59, 3_600]), milliseconds=rng.choice([0, 1, 500]))
        moments.append(time)
    time = datetime(1999, 12, 31, 23, 59, 58)
    for _ in range(90):
        time += timedelta(days=rng.choice([0, 0, 0, 0, 1, 30, 400, 2_000]), seconds=rng.choice([0, 1, 5, 10]))
        moments.append(time)
    for ts in sorted(moments):
        yield [or_null(rng, 0.05, rng.choice("abc")), or_null(rng, 0.05, rng.randint(-50, 50)), at(ts)]


def edges():
    """Rows at the edges of windows of 10 s, and of what a watermark of the newest time less 1 s calls late."""
    seconds = [1, 9.999, 9.999, 10, 10.998, 9.998, 10.999, 9.999, 9.5, 11, 9.999, 5, 15, 19.999, 20, 20.998, 12,
               20.999, 13, 19.999, 21, 14, 25, 30.5, 29.999, 31, 29.999, 40, 50, 55, 60, 60, 59.999, 61.5, 59, 70,
               80, 79, 79.001, 90, 100, 110.001, 120, 119.999, 121.001]
    for place, second in enumerate(seconds):
        ts = datetime(2024, 1, 1) + timedelta(milliseconds=round(second * 1000))
        yield ["xyz"[place % 2], place, at(ts)]


def numbers(rng):
    time = datetime(2024, 2, 28, 12, 0)
    for place in range(240):
        time += timedelta(milliseconds=rng.choice([0, 100, 1000, 3000]))
        small = place < 60
        zero = 0.08
        yield [
            place,
            or_null(rng, 0.04, rng.randint(-100, 100)),
            or_null(rng, 0.04, rng.randint(-128, 127)),
            or_null(rng, 0.04, rng.randint(-30_000, 30_000)),
            or_null(rng, 0.04, rng.randint(-20, 20) if small else rng.randint(-2**31, 2**31 - 1)),
            or_null(rng, 0.04, 0 if rng.random() < zero else rng.randint(-2**40, 2**40)),
            or_null(rng, 0.04, cents(rng, -99_999, 99_999) if small else cents(rng, -10**10 + 1, 10**10 - 1)),
            or_null(rng, 0.04, "0.00" if rng.random() < zero else cents(rng, -10_000, 10_000)),
            or_null(rng, 0.04, cents(rng, -99_999, 99_999, 3)),
            or_null(rng, 0.04, cents(rng, -10**20 + 1, 10**20 - 1, 10) if not small else cents(rng, -10**12, 10**12, 10)),
            or_null(rng, 0.04, cents(rng, -10**24, 10**24, 18)),
            or_null(rng, 0.04, rng.choice([0.0, 0.5, 1.0, -1.0, 2.5, 1e10, 1e-7, rng.uniform(-100, 100), rng.gauss(0, 1e6)])),
            or_null(rng, 0.04, rng.choice([0.5, 1.5, 2.0, 3.0, -2.5, rng.uniform(0.01, 10)])),
            or_null(rng, 0.04, rng.choice([0.1, 1.5, -2.25, 3.3333, 16777216.0, 1e-3])),
            at(time),
        ]


def moments(rng):
    for place in range(220):
        year = rng.choice([1900, 1935, 1969, 1970, 1999, 2000, 2016, 2023, 2024, 2024, 2024, 2038, 2100])
        moment = datetime(year, 1, 1) + timedelta(days=rng.randint(0, 364), seconds=rng.randint(0, 86_399))
        other = moment + timedelta(days=rng.choice([0, 0, 1, -1, 28, 31, -400, 1000]), seconds=rng.randint(-90_000, 90_000))
        if place % 7 == 0:
            moment = datetime(rng.choice([1972, 2000, 2024]), 2, 29, 23, 59, 59)
        nanos = rng.randint(0, 999_999_999)
        millis = rng.choice([0, 1, 500, 999, rng.randint(0, 999)])
        yield [
            place,
            or_null(rng, 0.04, f"{moment:%Y-%m-%d}"),
            or_null(rng, 0.04, f"{moment:%H:%M:%S}"),
            or_null(rng, 0.04, at(moment + timedelta(milliseconds=millis))),
            or_null(rng, 0.04, at(other)),
            or_null(rng, 0.04, f"{moment:%Y-%m-%d %H:%M:%S}.{nanos:09d}"),
            or_null(rng, 0.04, at(moment + timedelta(milliseconds=millis)) + "Z"),
            or_null(rng, 0.04, rng.choice([at(other, 0), at(other), f"{other:%Y-%m-%d}", f"{other:%d/%m/%Y}"])),
        ]


def texts(rng):
    words = ["stream", "Tide", "wire", "ÄÖÜ", "naïve", "日本語", "a_b", "50%", "x", "", "  pad  ", "Hello World", "\ttab",
             "it's", '"q"', "foo.bar", "key=value;k2=v2", "https://user@example.com:8080/p/a?q=1&r=2#frag", "2024-01-31",
             "12", "-7", "3.14", "1e3", "true", "FALSE", "😀 emoji", "aaa", "abcabc", "ABC", "null"]
    patterns = ["a", "[a-z]+", "^\\w+", "(\\d+)", "b.", ".*", "o", "%", "_", "[aeiou]"]
    docs = ['{"a":1,"b":{"c":[1,2,{"d":"x"}]},"s":"text"}', '{"a":"1","b":null}', "[1,2,3]", "{}", "not json",
            '{"a":true,"s":"with \\"quotes\\"","n":1.50}', '{"a":12345678901,"b":{"c":[]},"n":-0.25}', '"str"', "42", ""]
    for place in range(220):
        word = words[place % len(words)] if place < 60 else " ".join(rng.choices(words, k=rng.randint(1, 3)))
        yield {
            "id": place,
            "s": or_null(rng, 0.05, word),
            "t": or_null(rng, 0.05, rng.choice(words)),
            "p": or_null(rng, 0.05, rng.choice(patterns)),
            "n": or_null(rng, 0.05, rng.randint(-3, 8)),
            "j": or_null(rng, 0.05, docs[place % len(docs)]),
        }


def all_types():
    """Each type's ends, zero, NULL and something plain."""
    def bytes_of(hexadecimal):
        return base64.b64encode(bytes.fromhex(hexadecimal)).decode()

    low = [True, -128, -32768, -2**31, -2**63, "-3.4028235E38", "-1.7976931348623157E308", "-99999999.99",
           "-9999999999999999999999999999.9999999999", "-999999999999999999", "a", "a", "a", bytes_of("00"),
           "0001-01-01", "00:00:00", "00:00:00", "1677-09-21 00:12:44", "1677-09-21 00:12:44.001",
           "1677-09-21 00:12:44.000001", "1677-09-21 00:12:44.000000001", "1677-09-21 00:12:44.001Z"]
    high = [False, 127, 32767, 2**31 - 1, 2**63 - 1, "3.4028235E38", "1.7976931348623157E308", "99999999.99",
            "9999999999999999999999999999.9999999999", "999999999999999999", "zürich 😀", "zzzzz", "zzzzzzzzzz",
            bytes_of("ffee00"), "9999-12-31", "23:59:59", "23:59:59", "2262-04-11 23:47:15",
            "2262-04-11 23:47:15.999", "2262-04-11 23:47:15.999999", "2262-04-11 23:47:15.999999999",
            "2262-04-11 23:47:15.999Z"]
    zero = [False, 0, 0, 0, 0, "0.0", "0.0", "0.00", "0.0000000000", "0", " ", "b", "b", bytes_of("0000"),
            "1970-01-01", "12:00:00", "12:00:00", "1970-01-01 00:00:00", "1970-01-01 00:00:00.000",
            "1970-01-01 00:00:00.000000", "1970-01-01 00:00:00.000000000", "1970-01-01 00:00:00.000Z"]
    tiny = [True, 1, 1, 1, 1, "1.4E-45", "4.9E-324", "0.01", "0.0000000001", "1", "x,\"y\"", "c d", "vc",
            bytes_of("68656c6c6f"), "1969-12-31", "01:02:03", "01:02:03", "1969-12-31 23:59:59",
            "1969-12-31 23:59:59.999", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999999",
            "1969-12-31 23:59:59.999Z"]
    negative = [False, -1, -1, -1, -1, "-0.1", "-0.1", "-0.01", "-12345.6789000000", "-10", "NULL", "dd", "ddd",
                bytes_of("80"), "2024-02-29", "23:00:01", "23:00:01", "2024-02-29 12:34:56", "2024-02-29 12:34:56.700",
                "2024-02-29 12:34:56.789012", "2024-02-29 12:34:56.789012345", "2024-02-29 12:34:56.780Z"]
    plain = [True, 100, 1000, 100000, 10000000000, "1.0E10", "123456789.125", "1234.50", "1.5000000000", "42", "plain",
             "eeeee", "e", bytes_of("cafe"), "2000-01-01", "10:20:30", "10:20:30", "2000-01-01 10:20:30",
             "2000-01-01 10:20:30.120", "2000-01-01 10:20:30.123000", "2000-01-01 10:20:30.100000000",
             "2000-01-01 10:20:30.100Z"]
    time, place = datetime(2024, 5, 5, 5, 5, 5), 0
    for _ in range(4):
        for row in (low, high, zero, tiny, negative, plain, [None] * len(plain)):
            yield [place, *row, at(time)]
            place, time = place + 1, time + timedelta(seconds=3)
    for column in range(len(plain)):
        for row in (zero, plain):
            yield [place, *[None if i == column else v for i, v in enumerate(row)], at(time)]
            place, time = place + 1, time + timedelta(seconds=3)


def nested(rng):
    time = datetime(2024, 7, 7, 7, 7, 7)
    for place in range(200):
        time += timedelta(milliseconds=rng.choice([0, 500, 2500]))
        yield {
            "id": place,
            "tags": or_null(rng, 0.1, [or_null(rng, 0.1, rng.choice(["a", "b", "c d", 'q"'])) for _ in range(rng.randint(0, 4))]),
            "nums": or_null(rng, 0.1, [or_null(rng, 0.1, rng.randint(-9, 9)) for _ in range(rng.randint(0, 5))]),
            "attrs": or_null(rng, 0.1, {k: or_null(rng, 0.1, rng.randint(0, 9)) for k in rng.sample(["x", "y", "z", "w"], rng.randint(0, 3))}),
            "place": or_null(rng, 0.1, {"city": or_null(rng, 0.1, rng.choice(["Bern", "Zürich", "Oslo"])),
                                        "geo": or_null(rng, 0.1, {"lat": round(rng.uniform(-90, 90), 3), "lon": round(rng.uniform(-180, 180), 3)})}),
            "ts": at(time),
        }


def main():
    DATA.mkdir(exist_ok=True)
    write_csv("trades", trades(random.Random(SEED)))
    write_csv("sensors", sensors(random.Random(SEED + 1)))
    write_json("purchases", purchases(random.Random(SEED + 2)))
    write_csv("sparse", sparse(random.Random(SEED + 3)))
    write_csv("edges", edges())
    write_csv("numbers", numbers(random.Random(SEED + 4)))
    write_csv("moments", moments(random.Random(SEED + 5)))
    write_json("texts", texts(random.Random(SEED + 6)))
    write_csv("values_of_all_types", all_types())
    write_json("nested", nested(random.Random(SEED + 7)))


if __name__ == "__main__":
    main()
