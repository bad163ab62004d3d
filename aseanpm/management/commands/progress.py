import json

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from aseanpm.facts import Clock, UnreadableClock
from projects.models import Project
from workplans.models import WorkPlan
from workplans.serializers import progress_answer


class Command(BaseCommand):
    help = "Tell how far a work plan has come, from published records."

    def add_arguments(self, parser):
        parser.add_argument("plan", help="its code, such as IAI-IV")
        parser.add_argument("--as-of", default="", metavar="DAY")
        parser.add_argument("--known-at", default="", metavar="MOMENT")
        parser.add_argument("--json", action="store_true", help="as the API answers")

    def handle(self, plan, as_of, known_at, **options):
        try:
            clock = Clock.read({"as_of": as_of, "known_at": known_at})
        except UnreadableClock as error:
            name = error.field.replace("_", "-")
            raise CommandError(f"--{name}: {error.message}") from error
        found = WorkPlan.objects.named(plan).first()
        if found is None:
            codes = ", ".join(WorkPlan.objects.values_list("code", flat=True))
            raise CommandError(
                f"There is no work plan “{plan}”. Known: {codes or 'none'}."
            )
        published = Project.objects.visible_to(None)
        answer = progress_answer(found, published.as_of(clock.day, clock.known_at))
        if options["json"]:
            self.stdout.write(
                json.dumps(answer, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
            )
            return
        for sentence in breakdown(answer):
            self.stdout.write(sentence)


def breakdown(answer):
    """The answer in lines to read; what is not known is not told as 0."""
    lines, projects = answer["lines"], answer["projects"]
    money, funding = answer["money"], answer["funding"]
    yield lines["sentence"]
    yield answer["rule"]["text"]
    yield f"  in preparation {told(lines['in_preparation'])}"
    yield f"  not started {told(lines['not_started'])}"
    yield f"  enabling actions {told(answer['enabling_actions']['implemented'])}"
    yield f"Projects {projects['counted']}"
    for status, number in projects["by_status"].items():
        yield f"  {status.replace('_', ' ')} {number}"
    yield f"  in the pipeline {projects['pipeline']}"
    yield f"  cancelled after approval {projects['cancelled_after_approval']}"
    covered = money["complete"] + money["partial"]
    yield (
        f"Approved budget, USD {told(money['approved_usd'])}"
        f" from {covered} of {projects['counted']} projects"
    )
    for share in funding["combinations"]:
        funders = " + ".join(share["partners"]) or "none recorded"
        yield f"  {funders}: {share['projects']}"
    if answer["illustrative_records"]:
        yield (
            f"{answer['illustrative_records']} of these projects are illustrative: "
            "generated, not real."
        )


def told(value):
    return "not known" if value is None else value
