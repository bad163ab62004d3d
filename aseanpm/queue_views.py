"""The roof: what waits for somebody, from all apps, heaviest first."""

from django.views.generic import TemplateView

from .workplace import WorkMixin


class QueueView(WorkMixin, TemplateView):
    template_name = "aseanpm/queue.html"
    resource = "queue"
    action = "view"


class PairView(WorkMixin, TemplateView):
    template_name = "aseanpm/queue_pair.html"
    resource = "queue"
