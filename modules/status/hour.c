/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: hour.c - the last hour: samples of totals become rates between them. */
#include "status.h"

#include "base/clock.h"
#include "base/text.h"

#define LEAST_USEC USEC_PER_SEC /* a shorter time tells nothing */

static bool is_total(unsigned value)
{
    return value != HISTORY_connections && value != HISTORY_busy;
}

static void between(const struct history_sample *from, const struct history_sample *to,
                    struct hour_point *point_r)
{
    double seconds = (double)(to->mono - from->mono) / (double)USEC_PER_SEC;
    uint64_t buckets[HISTOGRAM_BUCKETS];

    *point_r = (struct hour_point){ .wall = to->wall, .usec = to->mono - from->mono };
    for (unsigned i = 0; i < HISTORY_VALUES; i++)
        point_r->values[i] =
            is_total(i) ? (double)(to->values[i] - from->values[i]) / seconds : (double)to->values[i];
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        buckets[i] = to->buckets[i] - from->buckets[i];
    point_r->p50 = histogram_quantile(buckets, 0.5);
    point_r->p99 = histogram_quantile(buckets, 0.99);
}

size_t status_hour(const struct segment *segment, const struct history_ring *ring,
                   struct hour_point points_r[HISTORY_SLOTS])
{
    struct history_sample samples[HISTORY_SLOTS + 1];
    size_t count = history_read(ring, samples), points = 0;

    history_look(segment, clock_mono(), clock_wall(), &samples[count++]);
    for (size_t i = 1; i < count; i++)
        if (samples[i].mono - samples[i - 1].mono >= LEAST_USEC)
            between(&samples[i - 1], &samples[i], &points_r[points++]);
    return points;
}

static struct json_object *number(double value)
{
    return json_object_new_double(value);
}

static struct json_object *seconds(int64_t usec)
{
    return usec < 0 ? NULL : number((double)usec / (double)USEC_PER_SEC);
}

struct json_object *status_history(const struct segment *segment)
{
    static const char *const names[] = {
        [HISTORY_requests] = "requests_per_second",
        [HISTORY_replies_4xx] = "replies_4xx_per_second",
        [HISTORY_replies_5xx] = "replies_5xx_per_second",
        [HISTORY_bytes_in] = "bytes_in_per_second",
        [HISTORY_bytes_out] = "bytes_out_per_second",
        [HISTORY_uploads] = "uploads_per_second",
        [HISTORY_upload_bytes] = "upload_bytes_per_second",
        [HISTORY_iqs_asked] = "iqs_asked_per_second",
        [HISTORY_connections] = "connections",
        [HISTORY_busy] = "in_hand",
    };
    struct hour_point points[HISTORY_SLOTS];
    struct json_object *list = json_object_new_array();
    size_t count = status_hour(segment, &segment->history.coarse, points);

    for (size_t i = 0; i < count; i++) {
        struct json_object *one = json_object_new_object();
        char stamp[STAMP_SIZE];

        text_stamp(points[i].wall, stamp);
        json_object_object_add(one, "until", json_object_new_string(stamp));
        json_object_object_add(one, "seconds", seconds(points[i].usec));
        for (unsigned k = 0; k < HISTORY_VALUES; k++)
            json_object_object_add(one, names[k], number(points[i].values[k]));
        json_object_object_add(one, "p50_seconds", seconds(points[i].p50));
        json_object_object_add(one, "p99_seconds", seconds(points[i].p99));
        json_object_array_add(list, one);
    }
    return list;
}
