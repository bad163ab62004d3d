from django.core.management.base import BaseCommand, CommandError

from aseanpm.facts import Clock, end_of_day
from projects.audit import checks
from workplans.models import PublishedFigure


class Command(BaseCommand):
    help = "Count all figures by a second path; exit 1 where the two differ."

    def handle(self, **options):
        differences = questions = 0
        for check in checks(self.clocks()):
            differences += len(check.differences)
            questions += len(check.questions)
            result = "differs" if check.differences else "ok"
            if check.questions:
                result = "look"
            self.stdout.write(f"{result:8}{check.name}")
            for sentence in [*check.differences, *check.questions]:
                self.stdout.write(f"        - {sentence}")
        if differences:
            raise CommandError(f"{differences} figures differ by the second path.")
        self.stdout.write(f"No figure differs; {questions} questions to look into.")

    def clocks(self):
        """Now, and each published date: as known now, and at the end of that day."""
        days = {figure.computed_on.day for figure in PublishedFigure.objects.all()}
        yield Clock()
        for day in sorted(days):
            yield Clock(day)
            yield Clock(day, end_of_day(day))
