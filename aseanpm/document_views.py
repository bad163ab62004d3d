"""Bringing documents, and getting them through the gate of permissions."""

from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpResponseRedirect, JsonResponse
from django.views.generic import TemplateView, View

from .documents import (
    DocumentForm,
    UploadForm,
    document_of,
    new_document,
    no_orphans,
)
from .models import Document
from .permissions import require
from .talk import kind_of, row_of
from .talk_views import PressView
from .workplace import KeptFormView, WorkMixin, add_errors
from .writing import create

OWN_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}


class DocumentView(View):
    """The file itself, to be kept and never shown in the site's name."""

    def get(self, request, name):
        document = document_of(name, request.user)
        try:
            file = document.file.open("rb")
        except FileNotFoundError as error:
            raise Http404(f"There is no document “{name}”.") from error
        # Unpacked on the way, a file would have lost the length it is announced with.
        request.META.pop("HTTP_ACCEPT_ENCODING", None)
        return FileResponse(
            file,
            as_attachment=True,
            filename=document.file_name,
            content_type=document.media_type,
            headers=OWN_HEADERS,
        )


class UploadView(WorkMixin, TemplateView):
    """New documents of a project or a meeting, all of them or none."""

    template_name = "aseanpm/upload.html"
    resource = "documents"
    action = "create"

    def check_right(self, user):
        self.about = row_of(self.kwargs["kind"], self.kwargs["code"], user)
        require(user, self.action, self.resource)

    def dispatch(self, request, *args, **kwargs):
        """A script that shows progress is told where to go on: `{"to": address}`."""
        response = super().dispatch(request, *args, **kwargs)
        is_script = request.headers.get("Accept") == "application/json"
        if is_script and isinstance(response, HttpResponseRedirect):
            return JsonResponse({"to": response.url})
        return response

    def get(self, request, *args, **kwargs):
        return self.render_to_response(self.get_context_data(form=UploadForm()))

    def post(self, request, *args, **kwargs):
        said, files = request.POST, request.FILES  # read before it is asked what of it
        refused = getattr(request, "refused_files", ())
        form = UploadForm(said, files, refused=refused)
        if form.is_valid():
            try:
                return self.save(form.cleaned_data)
            except ValidationError as error:
                add_errors(form, error)
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def save(self, said):
        files = said["files"]
        names = ", ".join(file.checked.file_name for file in files)
        title = said["title"] if len(files) == 1 else ""
        with (
            no_orphans() as documents,
            self.entry(f"Documents of {self.about.code}: {names}", undo=True) as entry,
        ):
            for file in files:
                document = new_document(
                    file,
                    title=title,
                    is_public=said["is_public"],
                    about=self.about,
                    entry=entry,
                )
                documents.append(document)
                create(document)
            entry.opens = self.back
        return self.done(entry, f"Uploaded: {names}.", self.back)

    @property
    def back(self):
        return f"{self.about.get_absolute_url()}#documents"

    def get_context_data(self, **context):
        return super().get_context_data(
            about=self.about, kind=kind_of(self.about), back=self.back, **context
        )


class OneDocumentMixin:
    """A view that changes one document, for those who may."""

    resource = "documents"
    action = "edit"

    def check_right(self, user):
        self.document = document_of(self.kwargs["name"], user)
        require(user, self.action, self.resource)

    def address_of(self, document):
        return f"{document.about.get_absolute_url()}#documents"


class DocumentEditView(OneDocumentMixin, KeptFormView, TemplateView):
    """Change a document's title, and who may have it; the file stays."""

    form_class = DocumentForm

    def get_object(self):
        return Document.objects.get(pk=self.document.pk)

    def get_context_data(self, **context):
        return super().get_context_data(row=self.document.about, **context)


class DocumentWithdrawView(OneDocumentMixin, PressView):
    """Nobody gets the document any more; it stays in the history, and on the disk."""

    def post(self, request, name):
        document = self.document
        return self.press(
            document,
            f"Withdrew the document {document} of {document.about.code}",
            f"“{document}” is withdrawn.",
            self.address_of(document),
            withdraw=True,
        )
