/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: upload_report.c - what the status page says of uploads: what is stored and promised, the
 * quota, the data bases, and room for more. */
#include "module/report.h"

#include "upload.h"

/* What the usage row of all users together says; false: the repository keeps none, or cannot be read. */
static bool read_usage(struct store *store, struct usage *usage_r)
{
    struct store_view *view = store_view(store);
    char key[USAGE_KEY];
    struct span value;
    bool found;

    *usage_r = (struct usage){ 0 };
    if (view == NULL)
        return false;
    usage_key('g', SPAN(""), key);
    found = store_get(view, TABLE_USAGE, span_make(key, sizeof(key)), &value) == 1 &&
            usage_decode(value, usage_r);
    usage_r->name = (struct span){ 0 }; /* it points into the view */
    store_view_end(store, view);
    return found;
}

void upload_report(struct module_host *host, struct report *report)
{
    const struct upload *upload = OBJECT(host->state, upload);
    struct usage sum = { 0 };
    bool keeps_records = false;

    for (size_t i = 0; i < slot_pool_count(upload->pool); i++) {
        struct slot_repository *repository = slot_pool_at(upload->pool, i);
        struct store *store = slot_lmdb_store(repository);
        struct usage usage;

        if (store == NULL)
            continue;
        keeps_records = true;
        report_store(report, i == 0 ? "upload" : repository->name, store);
        if (!read_usage(store, &usage))
            continue;
        sum.stored_bytes += usage.stored_bytes;
        sum.stored_files += usage.stored_files;
        sum.promised_bytes += usage.promised_bytes;
        sum.promised_files += usage.promised_files;
    }
    report_folder(report, "uploads", upload->conf->store->path);
    if (!keeps_records)
        return;
    report_gauge(report, "upload_stored_bytes", "bytes", "Bytes of files that are stored",
                 (double)sum.stored_bytes);
    report_gauge(report, "upload_stored_files", "", "Files that are stored", (double)sum.stored_files);
    report_gauge(report, "upload_promised_bytes", "bytes", "Bytes of slots that are not filled yet",
                 (double)sum.promised_bytes);
    report_gauge(report, "upload_promised_files", "", "Slots that are not filled yet",
                 (double)sum.promised_files);
    if (upload->conf->quota->global > 0)
        report_gauge(report, "upload_quota_bytes", "bytes", "What all users together may store",
                     (double)upload->conf->quota->global);
}
