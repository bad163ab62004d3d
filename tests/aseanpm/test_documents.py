"""Documents: which files are taken, where they lie, who gets them, and how."""

import hashlib
import io
import re
import uuid
import zipfile

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from aseanpm import document_views, documents
from aseanpm.facts import Entry
from aseanpm.models import Document
from tests import make

pytestmark = pytest.mark.django_db

OFFICE = "application/vnd.openxmlformats-officedocument."
PDF = b"%PDF-1.7\nThe report"
PNG = b"\x89PNG\r\n\x1a\n...."
UPLOAD = "/projects/P-22222/documents/new/"


def office(*parts, size=None):
    """An office document that holds some parts, as the directory of its zip says."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for part in ("[Content_Types].xml", *parts):
            archive.writestr(part, "<x/>")
    content = file.getvalue()
    if size:  # in the directory alone, where a bomb would say it
        directory = content.rindex(b"PK\x01\x02")
        at = directory + 24
        content = content[:at] + size.to_bytes(4, "little") + content[at + 4 :]
    return content


DOCX = office("word/document.xml")
XLSX = office("xl/workbook.xml")
PPTX = office("ppt/presentation.xml")


@pytest.fixture
def project():
    return make.project(code="P-22222", countries=["VN"], funders=["JP"])


def files_on_disk():
    folder = settings.DATA_DIR / "uploads"
    return {path for path in folder.rglob("*") if path.is_file()}


def send(client, *files, address=UPLOAD, **said):
    said = {"submission": uuid.uuid4().hex} | said
    return client.post(address, said | {"files": list(files)})


def named(name, content=PDF):
    return SimpleUploadedFile(name, content)


def raw(client, file_name, content=PDF, address=UPLOAD):
    """Send a file under a name that no client of good will would send."""
    body = b"\r\n".join(
        [
            b"--x",
            b'Content-Disposition: form-data; name="files"; filename="%s"'
            % file_name.encode(),
            b"Content-Type: application/pdf",
            b"",
            content,
            b"--x--",
            b"",
        ]
    )
    return client.post(address, body, "multipart/form-data; boundary=x")


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", answer.content.decode()))


# Which files are taken


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("a.PNG", PNG, "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0....", "image/jpeg"),
        ("a.jpeg", b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (
            "2022.09.22 minutes v2.docx",
            DOCX,
            f"{OFFICE}wordprocessingml.document",
        ),
        ("a.xlsx", XLSX, f"{OFFICE}spreadsheetml.sheet"),
        ("a.pptx", PPTX, f"{OFFICE}presentationml.presentation"),
        ("a.csv", "Lúa gạo;1".encode(), "text/csv; charset=utf-8"),
        ("a.txt", "\ufeffក".encode(), "text/plain; charset=utf-8"),
        ("Báo cáo ໑.pdf", PDF, "application/pdf"),
    ],
)
def test_a_file_is_taken_whose_name_and_content_agree(name, content, media_type):
    found = documents.check(name, ContentFile(content))

    assert found.file_name == name
    assert found.media_type == media_type
    assert found.size == len(content)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.pdf", PNG, "“a.pdf” calls itself PDF and holds PNG."),
        ("a.pdf", b"MZ\x90\x00 program", "does not hold what its name says"),
        ("a.csv", PDF, "“a.csv” calls itself CSV and holds PDF."),
        ("a.docx", XLSX, "“a.docx” calls itself DOCX and holds XLSX."),
        ("a.docx", office("a.txt"), "is no office document that can be read"),
        ("a.docx", b"PK\x03\x04 not a zip", "is no office document that can be read"),
        ("a.docx", b"<html>" + DOCX, "does not hold what its name says"),
        (
            "a.docx",
            office("word/document.xml", "word/vbaProject.bin"),
            "“a.docx” holds macros. Save it without them.",
        ),
        (
            "a.xlsx",
            office("xl/workbook.xml", "xl/macrosheets/sheet1.xml"),
            "“a.xlsx” holds macros. Save it without them.",
        ),
        (
            "a.docx",
            office("word/document.xml", "xl/workbook.xml"),
            "no office document",
        ),
        (
            "a.docx",
            office("word/document.xml", size=2**31),
            "“a.docx” would unpack to too much.",
        ),
        ("a.txt", b"a\x00b", "text in UTF-8"),
        ("a.txt", "Lúa".encode("utf-16"), "text in UTF-8"),
        ("a.txt", b"  <!DOCTYPE html><script>", "does not hold what its name says"),
        ("a.csv", b"<svg onload=alert(1)>", "does not hold what its name says"),
        ("a.svg", b"<svg/>", "“a.svg” is not taken. Taken are PDF, PNG,"),
        ("a.html", b"<p>", "is not taken"),
        ("a.docm", DOCX, "is not taken"),
        ("a.pdf.exe", PDF, "is not taken"),
        ("a.exe.pdf", PDF, "“a.exe.pdf” has two endings. Rename it."),
        ("a.pdf.png", PNG, "has two endings"),
        ("pdf", PDF, "is not taken"),
        (".pdf", PDF, "is not taken"),
        ("a.pdf", b"", "“a.pdf” is empty."),
        ("../a.pdf", PDF, "holds a path"),
        ("C:\\a.pdf", PDF, "holds a path"),
        ("a\x00.pdf", PDF, "cannot be seen"),
        ("a\nb.pdf", PDF, "cannot be seen"),
        ("a\u202efdp.pdf", PDF, "cannot be seen"),
        ("x" * 197 + ".pdf", PDF, "longer than 200 signs"),
    ],
)
def test_a_file_that_lies_gets_a_sentence(name, content, sentence):
    with pytest.raises(ValidationError, match=re.escape(sentence)):
        documents.check(name, ContentFile(content))


def test_a_zip_with_a_vast_directory_is_not_read(monkeypatch):
    def read(*arguments):
        pytest.fail("zipfile would take the whole directory into memory")

    vast = bytearray(DOCX)
    end = vast.rindex(b"PK\x05\x06")
    vast[end + 12 : end + 16] = (2**30).to_bytes(4, "little")
    monkeypatch.setattr(zipfile, "ZipFile", read)

    with pytest.raises(ValidationError):
        documents.check("a.docx", ContentFile(bytes(vast)))


# Uploading


def test_files_are_uploaded_together_and_lie_under_names_that_say_nothing(
    sign_in, project
):
    user = make.user("editor")
    before = files_on_disk()

    answer = send(
        sign_in(user), named("a.pdf"), named("Báo cáo.txt", b"Text"), is_public="on"
    )

    assert (answer.status_code, answer.url) == (302, "/projects/P-22222/#documents")
    two, one = Document.objects.order_by("size")
    assert (one.title, one.file_name) == ("a", "a.pdf")
    assert (two.title, two.file_name) == ("Báo cáo", "Báo cáo.txt")
    assert one.is_public
    assert one.project == project
    assert one.recorded_by == user
    assert one.sha256 == hashlib.sha256(PDF).hexdigest()
    assert one.history.get().sequence == two.history.get().sequence
    new = files_on_disk() - before
    assert sorted(path.read_bytes() for path in new) == [PDF, b"Text"]
    assert all(re.fullmatch("[0-9a-f]{32}", path.name) for path in new)
    assert {path.stat().st_mode & 0o777 for path in new} == {0o640}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "Choose a file."),
        ([named("a.pdf", b"")], "is empty"),
        ([named("a.pdf"), named("b.pdf", PNG)], "“b.pdf” calls itself PDF"),
    ],
)
def test_a_wrong_file_among_others_writes_none(sign_in, project, files, sentence):
    before = files_on_disk()

    answer = send(sign_in(make.user("editor")), *files, title="My title")

    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert "My title" in answer.content.decode()
    assert not Document.objects.exists()
    assert files_on_disk() == before


@pytest.mark.parametrize(
    "name", ["../../etc/a.pdf", "C:\\\\x\\\\a.pdf", "a\u202efdp.pdf", "a\x07.pdf"]
)
def test_a_name_with_a_path_or_unseen_signs_writes_nothing(sign_in, project, name):
    before = files_on_disk()

    answer = raw(sign_in(make.user("editor")), name)

    assert answer.status_code == 400
    assert "holds a path or a sign that cannot be seen" in text_of(answer)
    assert not Document.objects.exists()
    assert files_on_disk() == before


def test_a_file_that_is_too_large_is_not_kept(sign_in, project, monkeypatch):
    monkeypatch.setattr(documents, "MOST", 1000)
    before = files_on_disk()
    client = sign_in(make.user("editor"))

    answer = send(client, named("a.pdf"), named("b.pdf", PDF + b"x" * 1000))

    assert answer.status_code == 400
    assert "“b.pdf” is larger than" in text_of(answer)
    assert files_on_disk() == before


def test_of_a_file_that_is_too_large_no_more_is_taken_in(rf, monkeypatch):
    monkeypatch.setattr(documents, "MOST", 1000)
    files = [named("a.pdf"), named("b.pdf", PDF + b"x" * 1000), named("c.pdf")]

    request = rf.post(UPLOAD, {"files": files})

    taken = request.FILES.getlist("files")
    assert [file.name for file in taken] == ["a.pdf", "c.pdf"]
    assert len(request.refused_files) == 1


def test_a_request_that_is_too_large_is_not_read(sign_in, project, monkeypatch):
    monkeypatch.setattr(documents, "MOST_AT_ONCE", 1000)

    monkeypatch.setattr(documents, "MEGABYTE", 100)

    answer = send(sign_in(make.user("editor")), named("b.pdf", PDF + b"x" * 1000))

    assert answer.status_code == 400
    assert "Send at most 10 MB at once." in text_of(answer)
    assert not Document.objects.exists()


def test_a_write_that_fails_leaves_no_file(sign_in, project, monkeypatch):
    before = files_on_disk()
    written = []

    def create(row):
        row.save()
        written.append(row)
        if len(written) == 2:
            raise ValidationError("The disk is full.")

    monkeypatch.setattr(document_views, "create", create)

    answer = send(sign_in(make.user("editor")), named("a.pdf"), named("b.pdf"))

    assert answer.status_code == 400
    assert "The disk is full." in text_of(answer)
    assert not Document.objects.exists()
    assert files_on_disk() == before


def test_the_same_upload_sent_twice_is_kept_once(sign_in, project):
    client = sign_in(make.user("editor"))
    before = files_on_disk()
    key = uuid.uuid4().hex

    for _ in range(2):
        assert send(client, named("a.pdf"), submission=key).status_code == 302

    assert Document.objects.count() == 1
    assert len(files_on_disk() - before) == 1


def test_the_same_form_with_another_file_is_told_that_it_was_sent(sign_in, project):
    client = sign_in(make.user("editor"))
    send(client, named("a.pdf"), submission="one")

    again = send(client, named("b.pdf", PDF + b"two"), submission="one")

    assert again.status_code == 400
    assert "saved already, with other content" in again.content.decode()
    assert again.context["submission"] != "one"
    assert Document.objects.count() == 1


def test_a_script_is_told_where_to_go_on(sign_in, project):
    client = sign_in(make.user("editor"))
    accept = {"Accept": "application/json"}

    taken = client.post(UPLOAD, {"files": named("a.pdf")}, headers=accept)
    refused = client.post(UPLOAD, {"files": named("a.exe")}, headers=accept)

    assert taken.json() == {"to": "/projects/P-22222/#documents"}
    assert refused.status_code == 400
    assert "is not taken" in text_of(refused)


@pytest.mark.parametrize(
    ("role", "fields", "code"),
    [
        ("coordinator", {"country": "VN"}, 403),
        ("partner", {"partner": "JP"}, 403),
        ("reader", {}, 403),
        (None, {}, 403),
    ],
)
def test_only_the_secretariat_brings_documents(sign_in, project, role, fields, code):
    before = files_on_disk()
    client = sign_in(role and make.user(role, **fields))

    assert send(client, named("a.pdf")).status_code == code
    assert send(client, named("a.pdf"), address="/lines/X/documents/new/").status_code
    assert files_on_disk() == before


# Getting them


def address(document):
    return f"/documents/{document.file.name.removeprefix('documents/')}/"


def got(client, document):
    """The status of asking for a document."""
    answer = client.get(address(document))
    if answer.streaming:
        list(answer.streaming_content)  # to its end, so that the file is closed
    return answer.status_code


READERS = [
    ("editor", {}),
    ("coordinator", {"country": "VN"}),
    ("coordinator", {"country": "KH"}),
    ("partner", {"partner": "JP"}),
    ("partner", {"partner": "AU"}),
    ("reader", {}),
    (None, {}),
]
ALL, OWN, STAFF, NOBODY = "1111111", "1101000", "1000000", "0000000"


@pytest.mark.parametrize(
    ("is_published", "about", "fields", "get_it"),
    [
        (True, "project", {"is_public": True}, ALL),
        (True, "project", {"is_public": False}, OWN),
        (False, "project", {"is_public": True}, OWN),
        (False, "project", {"is_public": False}, OWN),
        (True, "meeting", {"is_public": True}, ALL),
        (True, "meeting", {"is_public": False}, STAFF),
        (True, "project", {"is_public": True, "withdrawn_at": timezone.now()}, NOBODY),
    ],
)
def test_who_gets_a_document(sign_in, project, is_published, about, fields, get_it):
    project.is_published = is_published
    project.save()
    row = project if about == "project" else make.meeting()
    document = make.document(row, PDF, **fields)
    absent = f"/documents/{'0' * 32}/"

    for (role, of), gets in zip(READERS, get_it, strict=True):
        client = sign_in(role and make.user(role, **of))
        answer = client.get(address(document))
        page = client.get(row.get_absolute_url())
        if gets == "1":
            assert b"".join(answer.streaming_content) == PDF
        else:
            name = address(document).split("/")[2].encode()
            there = answer.content.replace(name, b"0" * 32)
            csrf = rb'name="csrfmiddlewaretoken" value="\w+"'
            told = client.get(absent)
            assert answer.status_code == told.status_code == 404
            assert re.sub(csrf, b"", there) == re.sub(csrf, b"", told.content)
        assert (address(document).encode() in page.content) == (gets == "1"), role


def test_of_a_consultation_its_coordinator_gets_all_documents(sign_in):
    meeting = make.meeting(country=make.country("VN"))
    document = make.document(meeting)

    theirs = got(sign_in(make.user("coordinator", country="VN")), document)
    others = got(sign_in(make.user("coordinator", country="KH")), document)

    assert (theirs, others) == (200, 404)


def test_a_document_of_a_withdrawn_project_is_gone(sign_in, project):
    document = make.document(project, is_public=True)
    type(project).objects.filter(pk=project.pk).update(withdrawn_at=timezone.now())

    for user in (None, make.user("editor")):
        assert got(sign_in(user), document) == 404


def test_a_file_is_kept_by_the_reader_and_never_shown_by_us(client, project):
    content = b"a,b\n" * 500
    document = make.document(
        project,
        content,
        name="Báo cáo “1”.csv",
        media_type="text/csv; charset=utf-8",
        is_public=True,
    )

    answer = client.get(address(document), headers={"Accept-Encoding": "gzip"})

    assert b"".join(answer.streaming_content) == content
    assert answer["Content-Length"] == "2000"
    assert "Content-Encoding" not in answer
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == (
        "attachment; filename*=utf-8''B%C3%A1o%20c%C3%A1o%20%E2%80%9C1%E2%80%9D.csv"
    )
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "private, no-store"
    head = client.head(address(document))
    assert (head["Content-Length"], list(head.streaming_content)) == ("2000", [])


def test_a_file_that_is_missing_from_the_disk_is_a_404(client, project):
    document = make.document(project, is_public=True)
    document.file.storage.delete(document.file.name)

    assert got(client, document) == 404


# Changing and withdrawing them


def test_a_document_is_withdrawn_and_brought_back(sign_in, project):
    document = make.document(project, title="The minutes")
    client = sign_in(make.user("editor"))
    key = uuid.uuid4().hex

    for _ in range(2):
        said = {"version": 1, "submission": key}
        answer = client.post(f"{address(document)}withdraw/", said)
        assert answer.url == "/projects/P-22222/#documents"
    page = client.get("/projects/P-22222/").content.decode()
    gone = got(client, document)
    client.post(re.search(r'action="(/undo/\d+/)"', page)[1])

    assert (gone, got(client, document)) == (404, 200)
    assert "The minutes</a>" not in page
    document.refresh_from_db()
    assert document.history.count() == 3


def test_who_may_have_a_document_is_changed_with_its_version(sign_in, project):
    document = make.document(project)
    client = sign_in(make.user("editor"))
    page = f"{address(document)}edit/"

    first = client.post(page, {"title": "Minutes", "is_public": "on", "version": 1})
    second = client.post(page, {"title": "Other", "version": 1})

    assert (first.status_code, second.status_code) == (302, 409)
    document.refresh_from_db()
    assert (document.title, document.is_public) == ("Minutes", True)


def test_a_document_saved_as_it_was_leaves_no_write(sign_in, project):
    document = make.document(project)
    client = sign_in(make.user("editor"))
    before = Entry.objects.count()

    same = {"title": document.title, "version": 1}
    page = client.post(f"{address(document)}edit/", same, follow=True)

    assert "Nothing was changed." in page.content.decode()
    assert Entry.objects.count() == before


@pytest.mark.parametrize("deed", ["edit", "withdraw"])
def test_others_change_no_document(sign_in, project, deed):
    document = make.document(project)
    where = f"{address(document)}{deed}/"
    partner = sign_in(make.user("partner", partner="JP"))
    other = sign_in(make.user("partner", partner="AU"))

    assert partner.post(where, {"version": 1}).status_code == 403
    assert other.post(where, {"version": 1}).status_code == 404


def test_many_documents_cost_as_many_queries_as_few(client, project, queries):
    def bring(times):
        for _ in range(times):
            make.document(project, is_public=True)

    bring(2)
    client.get("/projects/P-22222/")
    few = queries(lambda: client.get("/projects/P-22222/"))
    bring(8)

    assert queries(lambda: client.get("/projects/P-22222/")) == few


def test_the_table_of_documents_leads_through_the_gate(sign_in, project):
    document = make.document(project)
    client = sign_in(make.user("administrator"))

    page = client.get(f"/admin/aseanpm/document/{document.pk}/change/")

    assert f'href="{address(document)}"' in page.content.decode()
