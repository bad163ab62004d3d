import uuid

import django.db.models.deletion
from django.db import migrations, models


def name_each(apps, schema_editor):
    """A name in addresses for every token on record: a default would be the same."""
    for token in apps.get_model('partners', 'ApiToken').objects.all():
        token.uuid = uuid.uuid4()
        token.save(update_fields=['uuid'])


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0003_workplace'),
    ]

    operations = [
        migrations.AddField(
            model_name='apitoken',
            name='uuid',
            field=models.UUIDField(default=uuid.uuid4, editable=False, null=True),
        ),
        migrations.RunPython(name_each, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='apitoken',
            name='uuid',
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='scope',
            field=models.CharField(choices=[('read', 'Read'), ('write', 'Read and write')], default='read', max_length=5),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='last_used_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='revoked_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name='Pull',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('method', models.CharField(max_length=7)),
                ('address', models.CharField(max_length=500)),
                ('rows', models.PositiveIntegerField(null=True)),
                ('status', models.PositiveSmallIntegerField()),
                ('token', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='pulls', to='partners.apitoken', to_field='uuid')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['token', '-id'], name='pull_newest')],
            },
        ),
    ]
