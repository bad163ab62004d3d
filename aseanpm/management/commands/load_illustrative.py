from django.core.management.base import BaseCommand, CommandError

from aseanpm.illustrative import AlreadyLoaded, load
from aseanpm.illustrative.build import MissingReference


class Command(BaseCommand):
    help = "Load the illustrative projects, which meet the published figures."

    def handle(self, **options):
        try:
            number = load()
        except AlreadyLoaded as told:
            self.stdout.write(str(told))
        except MissingReference as error:
            raise CommandError(error) from error
        else:
            self.stdout.write(f"{number} illustrative projects loaded.")
