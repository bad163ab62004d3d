"""Files of a project or a meeting: which are taken, where they lie, and who gets them.

A file is taken where its name and its first bytes agree on one of a few kinds. It lies
under a name that says nothing; that name is also its address.
"""

import hashlib
import html
import re
import struct
import uuid
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass

from django import forms
from django.core.exceptions import RequestDataTooBig, ValidationError
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.db.models import Q
from django.http import Http404
from django.http.multipartparser import MultiPartParser

from .forms import tidy_line
from .models import Document
from .permissions import can
from .talk import kind_of, seen_rows

MEGABYTE = 1024 * 1024
MOST = 20 * MEGABYTE
MOST_AT_ONCE = 100 * MEGABYTE
MOST_UNPACKED = 500 * MEGABYTE
MOST_PARTS = 5_000
FOLDER = "documents/"
OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "docx": f"{OFFICE}wordprocessingml.document",
    "xlsx": f"{OFFICE}spreadsheetml.sheet",
    "pptx": f"{OFFICE}presentationml.presentation",
    "csv": "text/csv; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
TAKEN = "PDF, PNG, JPEG, DOCX, XLSX, PPTX, CSV or TXT"
SIGNATURES = {
    b"%PDF-": "pdf",
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpg",
    b"PK\x03\x04": "zip",
}
MAIN_PARTS = {
    "word/document.xml": "docx",
    "xl/workbook.xml": "xlsx",
    "ppt/presentation.xml": "pptx",
}
MACROS = re.compile(r"vba(project|data)|/macrosheets/|/activex/", re.IGNORECASE)
MARKUP = re.compile(rb"\s*<(!doctype|\?xml|html|svg|script|head|body)", re.IGNORECASE)
# What a last but one ending must not be: minutes.exe.pdf is no minutes.
ENDINGS = {
    *KINDS,
    *("bat", "cmd", "com", "docm", "exe", "hta", "htm", "html", "jar", "js", "lnk"),
    *("mht", "msi", "php", "pptm", "ps1", "py", "scr", "sh", "svg", "vbs", "wsf"),
    *("xhtml", "xlsb", "xlsm", "xml", "zip"),
}


@dataclass(frozen=True)
class Checked:
    """What is known of a file that was looked at."""

    file_name: str
    media_type: str
    size: int
    sha256: str

    @property
    def title(self):
        return self.file_name.rpartition(".")[0]


def check(name, content):
    """The Checked of a file; raises ValidationError with a sentence about it.

    `content` is an open file with `size` and `chunks()`. Nothing is unpacked: of an
    office document only the list of its parts is read.
    """
    name = checked_name(name)
    ending = ending_of(name)
    if not content.size:
        raise ValidationError(f"“{name}” is empty.")
    if content.size > MOST:
        raise ValidationError(too_large(name))
    found = kind_of_content(name, content)
    if KINDS[found] != KINDS[ending] and {found, ending} != {"csv", "txt"}:
        raise ValidationError(
            f"“{name}” calls itself {ending.upper()} and holds {found.upper()}."
        )
    digest = hashlib.sha256()
    for chunk in content.chunks():
        digest.update(chunk)
    content.seek(0)
    return Checked(name, KINDS[ending], content.size, digest.hexdigest())


def checked_name(name):
    """A name without path or unseen signs, of at most 200; or ValidationError."""
    if is_odd(name):
        raise ValidationError(
            "The name of a file holds a path or a sign that cannot be seen. Rename it."
        )
    name = tidy_line(name)
    if len(name) > Document._meta.get_field("file_name").max_length:
        raise ValidationError(f"“{name[:40]}…”: the name is longer than 200 signs.")
    return name


def is_odd(name):
    """Whether a name would lead elsewhere, or shows something else than it holds."""
    return bool(re.search("[/\\\\\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", name))


def ending_of(name):
    *before, ending = name.lower().split(".")
    if not before or not before[0] or ending not in KINDS:
        raise ValidationError(f"“{name}” is not taken. Taken are {TAKEN}.")
    if ENDINGS & set(before[1:]):
        raise ValidationError(f"“{name}” has two endings. Rename it.")
    return ending


def too_large(name):
    return f"“{name}” is larger than {MOST // MEGABYTE} MB."


def kind_of_content(name, content):
    """The ending that the content of a file deserves; or ValidationError."""
    content.seek(0)
    head = content.read(1024)
    for signature, kind in SIGNATURES.items():
        if head.startswith(signature):
            return office_kind(name, content) if kind == "zip" else kind
    if is_text(content) and not MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "txt"
    raise ValidationError(
        f"“{name}” does not hold what its name says. Taken are {TAKEN}; text in UTF-8."
    )


def is_text(content):
    """Whether all of it is UTF-8 without the signs that no text has."""
    content.seek(0)
    try:
        text = content.read().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not re.search("[\x00-\x08\x0e-\x1f\x7f]", text)


def office_kind(name, content):
    """docx, xlsx or pptx, by the directory of the zip; or ValidationError."""
    lying = ValidationError(f"“{name}” is no office document that can be read.")
    if directory_size(content) > MEGABYTE:
        raise lying
    try:
        with zipfile.ZipFile(content) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise lying from error
    names = [part.filename for part in parts]
    kinds = {kind for main, kind in MAIN_PARTS.items() if main in names}
    if len(kinds) != 1 or "[Content_Types].xml" not in names:
        raise lying
    if len(set(names)) != len(names) or len(parts) > MOST_PARTS:
        raise lying
    if any(MACROS.search(f"/{part}") for part in names):
        raise ValidationError(f"“{name}” holds macros. Save it without them.")
    if sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise ValidationError(f"“{name}” would unpack to too much.")
    return kinds.pop()


def directory_size(content):
    """How long the directory of a zip says it is; far too long where it says nothing.

    Read before zipfile does, which takes all that it is told into memory.
    """
    content.seek(max(0, content.size - 65_557))
    tail = content.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        return MOST
    return struct.unpack_from("<I", tail, end + 12)[0]


# Receiving


class NamesKept(MultiPartParser):
    """Django takes paths and unseen signs out of names; this one also tells of it."""

    def sanitize_file_name(self, file_name):
        if is_odd(html.unescape(file_name)):
            request = self._upload_handlers[0].request
            request.refused_files.append(
                "The name of a file holds a path or a sign that cannot be seen. "
                "Rename it."
            )
        return super().sanitize_file_name(file_name)


class LimitedUpload(FileUploadHandler):
    """Stores nothing of a file beyond MOST, and nothing of a request beyond its limit.

    `request.refused_files` holds a sentence for each file that was not taken.
    """

    def __init__(self, request=None):
        super().__init__(request)
        self.is_parsing = False

    def handle_raw_input(self, input_data, meta, content_length, boundary, encoding):
        if self.is_parsing:
            return None
        if content_length > MOST_AT_ONCE:
            most = MOST_AT_ONCE // MEGABYTE
            raise RequestDataTooBig(f"Send at most {most} MB at once.")
        self.is_parsing = True
        self.request.refused_files = []
        handlers = self.request.upload_handlers
        return NamesKept(meta, input_data, handlers, encoding).parse()

    def receive_data_chunk(self, raw_data, start):
        if start + len(raw_data) > MOST:
            self.request.refused_files.append(too_large(self.file_name))
            raise SkipFile
        return raw_data

    def file_complete(self, file_size):
        return None


class FilesInput(forms.FileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data, files, name):
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)

    def value_omitted_from_data(self, data, files, name):
        return name not in files


class FilesField(forms.FileField):
    """One file or several, each with its Checked as `checked`."""

    widget = FilesInput

    def clean(self, data, initial=None):
        if not data:
            raise ValidationError(self.error_messages["required"], code="required")
        wrong = []
        for file in data:
            try:
                file.checked = check(file.name, file)
            except ValidationError as error:
                wrong += error.messages
        if wrong:
            raise ValidationError(wrong)
        return data


class UploadForm(forms.Form):
    files = FilesField(  # type: ignore[assignment]
        label="Files",
        help_text=f"{TAKEN}, without macros; each at most {MOST // MEGABYTE} MB.",
        error_messages={"required": "Choose a file."},
    )
    title = forms.CharField(
        required=False,
        max_length=200,
        help_text="Of one file; without it, and of several, its name.",
    )
    is_public = forms.BooleanField(
        label="Everybody who sees the page may have it",
        required=False,
        help_text="Otherwise the secretariat, and who is named in Permissions.",
    )

    def __init__(self, data=None, files=None, *, refused=(), **options):
        self.refused = refused
        super().__init__(data, files, **options)
        self.fields["files"].widget.attrs["accept"] = ",".join(
            f".{ending}" for ending in KINDS
        )

    def clean_title(self):
        return tidy_line(self.cleaned_data["title"])

    def clean(self):
        super().clean()
        if self.refused:
            if self.has_error("files", "required"):
                del self.errors["files"]
            self.add_error("files", ValidationError(list(self.refused)))


class DocumentForm(forms.ModelForm):
    class Meta:
        model = Document
        fields = ["title", "is_public"]
        labels = {"is_public": "Everybody who sees the page may have it"}

    def clean_title(self):
        return tidy_line(self.cleaned_data["title"])


# Storing


def new_document(file, *, title, is_public, about, entry):
    """A Document, not yet saved, of a file that was checked."""
    checked = file.checked
    return Document(
        title=(title or checked.title)[:200],
        file=file,
        file_name=checked.file_name,
        media_type=checked.media_type,
        size=checked.size,
        sha256=checked.sha256,
        is_public=is_public,
        recorded_at=entry.recorded_at,
        recorded_by=entry.recorded_by,
        **{kind_of(about): about},
    )


@contextmanager
def no_orphans():
    """A list for documents that are about to be written: should the write fail, their
    files are taken away again."""
    documents = []
    try:
        yield documents
    except BaseException:
        for document in documents:
            if document.file.name.startswith(FOLDER):
                document.file.storage.delete(document.file.name)
        raise


# Giving out


def address_of(document):
    """What an address calls a document: the random part of where it lies."""
    return document.file.name.removeprefix(FOLDER)


def document_of(name, user):
    """The standing document of an address; Http404 where the user may not have it."""
    documents = Document.objects.standing().filter(file=FOLDER + name)
    document = readable(documents, user).first()
    if document is None:
        raise Http404(f"There is no document “{name}”.")
    return document


def readable(documents, user):
    """Of documents, those whose project or meeting a user sees, public or own."""
    seen = seen_rows("project", user)
    documents = documents.filter(
        Q(meeting__isnull=False) | Q(project__in=seen.values("pk"))
    ).select_related("project", "meeting__body", "meeting__country", "recorded_by")
    if can(user, "view", "documents"):
        return documents
    may_have = Q(is_public=True)
    if can(user, "view", "documents", own=True):
        may_have |= Q(project__in=seen.own_of(user).values("pk"))
        if user.country_id:
            may_have |= Q(meeting__country=user.country_id)
    return documents.filter(may_have)


@dataclass
class Documents:
    """The documents of a row as one reader sees them, for partials/documents.html."""

    row: object
    listed: list
    may_upload: bool

    @property
    def kind(self):
        return kind_of(self.row)

    @property
    def form(self):
        return UploadForm(auto_id="upload_%s")

    @property
    def submission(self):
        """A new key for a form, each time it is asked for."""
        return uuid.uuid4().hex


def documents_of(row, user, clock):
    """The Documents of a project or meeting; None where there is nothing to show."""
    standing = Document.objects.standing().about(row)
    if clock.known_at:
        standing = standing.filter(recorded_at__lte=clock.known_at)
    listed = list(readable(standing, user))
    for document in listed:
        document.name = address_of(document)
        document.ending = document.file_name.rpartition(".")[2].upper()
    may_upload = clock.is_now and can(user, "create", "documents")
    return Documents(row, listed, may_upload) if listed or may_upload else None
