"""Answers are sent compressed to who can read that, and are the same answers."""

import gzip

import brotli
import pytest

from aseanpm.formats import draw
from tests import make

pytestmark = pytest.mark.django_db

LIST = "/api/v1/projects/"
BOTH = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture(autouse=True)
def projects():
    return [make.project() for _ in range(3)]


def encoding(answer):
    return answer.headers.get("Content-Encoding")


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("br", "br"),
        ("gzip, deflate, br", "br"),
        ("gzip,BR;q=0.5", "br"),
        ("br; q=1.0, gzip", "br"),
        ("br;q=0.001", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000", None),
        ("brown, gzip", "gzip"),
        ("zstd", None),
        ("", None),
    ],
)
def test_an_answer_is_sent_in_the_encoding_that_its_reader_accepts(
    client, accepted, sent
):
    plain = client.get(LIST)

    answer = client.get(LIST, headers={"Accept-Encoding": accepted})

    read = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[sent]
    assert encoding(answer) == sent
    assert read(answer.content) == plain.content
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert encoding(plain) is None
    assert answer.headers["ETag"].startswith("W/" if sent else '"')


def test_an_answer_kept_in_one_encoding_is_unchanged_in_another(client):
    first = client.get(LIST, headers=BOTH)
    held = {"If-None-Match": first.headers["ETag"]}

    again = [client.get(LIST, headers=held | more) for more in (BOTH, {})]

    assert [(one.status_code, one.content, encoding(one)) for one in again] == [
        (304, b"", None),
        (304, b"", None),
    ]
    assert first.headers["ETag"].endswith(again[0].headers["ETag"])


def test_a_head_tells_what_a_get_would(client):
    head, get = [ask(LIST, headers=BOTH) for ask in (client.head, client.get)]

    names = ("Content-Encoding", "Content-Length", "ETag", "Vary")
    assert head.content == b""
    assert [head.headers[name] for name in names] == [
        get.headers[name] for name in names
    ]


def test_a_file_streams_and_is_closed(client, monkeypatch):
    drawn = []

    def watched(*drawing):
        drawn.append(draw(*drawing))
        return drawn[-1]

    monkeypatch.setattr("aseanpm.api.draw", watched)
    answer = client.get(f"{LIST}?format=csv", headers=BOTH)

    content = b"".join(answer.streaming_content)
    answer.close()

    assert (answer.streaming, encoding(answer)) == (True, "gzip")
    assert gzip.decompress(content).startswith(b"\xef\xbb\xbfcode,title")
    assert [file.closed for file, _ in drawn] == [True]


def test_to_a_browser_that_is_signed_in_the_length_of_an_answer_is_random(sign_in):
    client = sign_in(make.user("editor"))

    answers = [client.get(LIST, headers=BOTH) for _ in range(8)]

    assert {encoding(one) for one in answers} == {"gzip"}
    assert len({gzip.decompress(one.content) for one in answers}) == 1
    assert len({len(one.content) for one in answers}) > 1


def test_a_token_gets_what_a_visitor_gets_compressed(client):
    _, text = make.token(make.user("partner", partner="JP"))

    answer = client.get(LIST, headers=BOTH | {"Authorization": f"Token {text}"})

    assert encoding(answer) == "br"


def test_a_short_answer_is_sent_as_it_is(client):
    answer = client.get("/healthz", headers=BOTH)

    assert (answer.status_code, encoding(answer)) == (200, None)
