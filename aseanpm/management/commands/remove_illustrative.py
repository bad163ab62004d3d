from django.core.management.base import BaseCommand, CommandError

from aseanpm.illustrative import StillNeeded, remove


class Command(BaseCommand):
    help = "Remove the illustrative projects and all that was recorded of them."

    def handle(self, **options):
        try:
            number = remove()
        except StillNeeded as error:
            raise CommandError(error) from error
        self.stdout.write(f"{number} illustrative projects removed.")
