/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: config_text.c - the configuration as text, secrets hidden, and reading it again. */
#include "config_form.h"
#include "manage.h"

/* ---- a file ---- */

static void form_file(struct command_call *call)
{
    const struct conf *conf = call->host->conf;
    size_t count = conf_file_count(conf);
    struct form_option *options = arena_alloc(call->arena, (count + 1) * sizeof(*options));
    struct form_field *field;

    for (size_t i = 0; i < count; i++)
        options[i] =
            (struct form_option){ span_of(conf_file_name(conf, i)), span_of(conf_file_name(conf, i)) };
    field = form_draft_text(&call->draft, FORM_CHOICE, "file", "File",
                            count ? options[0].value : (struct span){ NULL, 0 });
    field->options = options;
    field->option_count = count;
    field->is_required = true;
    call->draft.instructions = "The files that the configuration in force was read from. Secrets are hidden.";
    command_show(call);
}

static void on_file(struct command_call *call, struct span text)
{
    manage_show_text(call, "Configuration file", "Text", text);
}

static void run_file(struct command_call *call)
{
    manage_steer(call, STEER_CONFIG_TEXT, command_value(call, "file"), on_file, manage_again);
}

static const struct command_step file_steps[] = { { .form = form_file, .run = run_file }, { .run = NULL } };

/* ---- all that is in force ---- */

static void run_all(struct command_call *call)
{
    struct buf text = { 0 };
    struct span copy;

    conf_print(call->host->conf, &text);
    copy = arena_copy(call->arena, buf_span(&text));
    buf_free(&text);
    manage_show_text(call, "Configuration in force", "Text", copy);
}

static const struct command_step all_steps[] = { { .run = run_all }, { .run = NULL } };

/* ---- again ---- */

static void on_reloaded(struct command_call *call, struct span text)
{
    if (text.size)
        command_done(call, NULL, "warn", arena_printf(call->arena, "Read again. %.*s", SPAN_ARG(text)));
    else
        command_done(call, NULL, "info", "The configuration was read again and is in force.");
}

static void run_reload(struct command_call *call)
{
    manage_steer(call, STEER_RELOAD, SPAN(""), on_reloaded, NULL);
}

static const struct command_step reload_steps[] = { { .run = run_reload }, { .run = NULL } };

const struct command_row config_text_rows[] = {
    { .node = "get-config-file",
      .name = "Get configuration file",
      .group = "Configuration",
      .about = "Shows a file of the configuration; secrets are hidden",
      .access = ACCESS_ADMIN,
      .steps = file_steps },
    { .node = "get-config-tdsl",
      .name = "Get configuration in force",
      .group = "Configuration",
      .about = "Shows every setting with its value, defaults included; secrets are hidden",
      .access = ACCESS_ADMIN,
      .steps = all_steps },
    { .node = "reload",
      .name = "Reload the configuration",
      .group = "Configuration",
      .about = "Reads the files again; no request is dropped, and what does not load is refused",
      .access = ACCESS_ADMIN,
      .steps = reload_steps },
    { .node = NULL },
};
