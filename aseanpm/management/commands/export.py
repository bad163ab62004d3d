import shutil
import sys
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.http import QueryDict

from aseanpm.filters import read_clock
from aseanpm.formats import (
    FORMATS,
    Drawing,
    batches_of,
    choose,
    columns_of,
    draw,
    one_moment,
)
from aseanpm.problems import BadQuery, refuse_repeated
from projects.exchange.iati import IATI
from projects.filters import ProjectFilter
from projects.ordering import order_of
from projects.serializers import (
    ProjectRowSerializer,
    codes_by_key,
    project_rows,
    visible_projects,
)

PROJECT_FORMATS = FORMATS | {"iati": IATI}
FURTHER = ("ordering", "fields")


class Command(BaseCommand):
    help = "Write a list to a file, as the API gives it: what is published."

    def create_parser(self, *args, **options):
        """Filters may stand before and after options."""
        parser = super().create_parser(*args, **options)
        parser.parse_args = parser.parse_intermixed_args
        return parser

    def add_arguments(self, parser):
        parser.add_argument("list", choices=["projects"])
        parser.add_argument("--format", required=True, choices=PROJECT_FORMATS)
        parser.add_argument("--as-of", default="", metavar="DAY")
        parser.add_argument("--known-at", default="", metavar="MOMENT")
        parser.add_argument(
            "filters",
            nargs="*",
            metavar="NAME=VALUE",
            help="as in the API's address: filters, ordering, fields",
        )
        parser.add_argument(
            "--as",
            dest="reader",
            metavar="EMAIL",
            help="what this user may see, not what is published alone",
        )
        parser.add_argument("--output", metavar="FILE", help="default: standard output")

    def handle(self, filters, output, **options):
        user = self.user_of(options["reader"])
        asked = self.parameters_of(filters, options["as_of"], options["known_at"])
        try:
            with one_moment():
                form, drawing = drawing_of(asked, options["format"], user)
                drawn, rows = draw(form, drawing)
        except BadQuery as error:
            raise CommandError(str(error)) from error
        with drawn:
            if output:
                with Path(output).open("wb") as target:
                    shutil.copyfileobj(drawn, target)
            else:
                shutil.copyfileobj(drawn, sys.stdout.buffer)
        self.stderr.write(f"{rows:,} projects")

    def user_of(self, email):
        if email is None:
            return None
        user = get_user_model().objects.filter(email=email.lower()).first()
        if user is None or not user.is_active:
            raise CommandError(f"No active user has the address “{email}”.")
        return user

    def parameters_of(self, filters, as_of, known_at):
        asked = QueryDict(mutable=True)
        for text in filters:
            name, sign, value = text.partition("=")
            if not sign:
                raise CommandError(f"“{text}” is not of the form NAME=VALUE.")
            asked.appendlist(name, value)
        for name, text in (("as_of", as_of), ("known_at", known_at)):
            if text:
                asked.appendlist(name, text)
        return asked


def drawing_of(asked, name, user):
    """(the Format, the Drawing) of projects. Raises BadQuery."""
    ProjectFilter.check_names(asked, also=FURTHER)
    refuse_repeated(asked)
    columns = choose(columns_of(ProjectRowSerializer), asked)
    clock = read_clock(asked)
    projects = visible_projects(user, clock)
    found = ProjectFilter.found(asked, projects)
    order, descending = order_of(found, asked.get("ordering", ""), user)
    keys = order.sorted(found, descending).values_list("pk", flat=True)
    labels = codes_by_key()
    drawing = Drawing(
        name="projects",
        columns=columns,
        batches=batches_of(
            keys.iterator(),
            lambda some: project_rows(projects, some, user, labels=labels),
        ),
        clock=clock,
        parameters=[(key, text) for key, texts in asked.lists() for text in texts],
        user=user,
        source=found,
    )
    return PROJECT_FORMATS[name], drawing
