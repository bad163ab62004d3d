from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from aseanpm.facts import ledger_entry
from partners import tokens
from partners.models import ApiToken, User


class Command(BaseCommand):
    help = "Make an API token for a login and print it, once: it is nowhere kept."

    def add_arguments(self, parser):
        parser.add_argument("email", help="the login that it is for")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument(
            "--scope",
            choices=ApiToken.Scope.values,
            default=ApiToken.Scope.READ,
            help="write is for the secretariat (default: read)",
        )
        parser.add_argument(
            "--days",
            type=int,
            default=tokens.LONGEST,
            help=f"until it expires, 1 to {tokens.LONGEST} (default: {tokens.LONGEST})",
        )

    def handle(self, email, name, scope, days, **options):
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"Nobody has a login with the address {email}.")
        what = f"Made the API token “{name}” of {user.email}"
        try:
            with ledger_entry(what=what[:300]) as entry:
                entry.is_private = True
                made, text = tokens.make(user=user, name=name, scope=scope, days=days)
                entry.opens = made.get_absolute_url()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(text)
