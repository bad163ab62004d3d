import time

from django.core.management.base import BaseCommand, CommandError

from aseanpm.illustrative.build import MissingReference
from aseanpm.illustrative.scale import PLAN, RealProjects, generate
from projects.models import Project


class Command(BaseCommand):
    help = "Generate synthetic projects, for benchmarks: never beside real projects."

    def add_arguments(self, parser):
        parser.add_argument("number", type=int, help="how many projects")

    def handle(self, number, **options):
        if number < 1:
            raise CommandError("Generate at least one project.")
        began = time.monotonic()
        try:
            made = generate(number)
        except (RealProjects, MissingReference) as error:
            raise CommandError(error) from error
        facts = made.total() - made[Project]
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{made[Project]:,} synthetic projects under {PLAN} with {facts:,} facts, "
            f"in {seconds:.0f} s. They meet no published figure; remove_illustrative "
            "takes them out, with all that is illustrative."
        )
