/* SPDX-License-Identifier: ISC */
/* floor 7 sees 0..6: avatar_search.c - where a user's picture may be: PEP (XEP-0084), vCard4 (XEP-0292, by
 * PEP and by IQ) and vcard-temp (XEP-0153), asked one after the other, the first hit wins.
 *
 * An error stanza only says that it is not there, or not for us: servers differ in what they show to whom, so
 * the next place is asked. Silence ends the search: whoever waits shall not wait five times. */
#include "avatar.h"

#include "base/clock.h"
#include "base/text.h"
#include "xmpp/ns.h"

#define ID_MOST 512 /* bytes of an item's id, which the owner chose */

static bool read_metadata(struct avatar_search *search, const struct xml_element *iq);
static bool read_data(struct avatar_search *search, const struct xml_element *iq);
static bool read_vcard4_item(struct avatar_search *search, const struct xml_element *iq);
static bool read_vcard4(struct avatar_search *search, const struct xml_element *iq);
static bool read_vcard_temp(struct avatar_search *search, const struct xml_element *iq);

static void add_data_query(struct avatar_search *search, struct buf *out)
{
    buf_text(out, "<pubsub xmlns='" NS_PUBSUB "'><items node='" NS_AVATAR_DATA "'><item id='");
    text_add_xml(out, search->id);
    buf_text(out, "'/></items></pubsub>");
}

/* In the order of asking. read: true: the search goes on at the next place only if nothing is found yet. */
static const struct {
    enum avatar_source source;
    const char *query; /* NULL: add_data_query */
    bool (*read)(struct avatar_search *search, const struct xml_element *iq);
} places[] = {
    { AVATAR_PEP,
      "<pubsub xmlns='" NS_PUBSUB "'><items node='" NS_AVATAR_METADATA "' max_items='1'/></pubsub>",
      read_metadata },
    { AVATAR_PEP, NULL, read_data },
    { AVATAR_VCARD4, "<pubsub xmlns='" NS_PUBSUB "'><items node='" NODE_VCARD4 "' max_items='1'/></pubsub>",
      read_vcard4_item },
    { AVATAR_VCARD4, "<vcard xmlns='" NS_VCARD4 "'/>", read_vcard4 },
    { AVATAR_VCARD_TEMP, "<vCard xmlns='" NS_VCARD "'/>", read_vcard_temp },
};

#define PLACES (sizeof(places) / sizeof(places[0]))

/* ---- reading answers: false: no picture there ---- */

/* The payload of the first item of that node. */
static const struct xml_element *item_payload(const struct xml_element *iq, const char *node, const char *ns,
                                              const char *name)
{
    const struct xml_element *pubsub = xml_child(iq, NS_PUBSUB, "pubsub");
    const struct xml_element *items = pubsub ? xml_child(pubsub, NS_PUBSUB, "items") : NULL;
    const struct xml_element *item;

    if (items == NULL || !span_is(xml_attribute(items, "node"), node))
        return NULL;
    item = xml_child(items, NS_PUBSUB, "item");
    return item ? xml_child(item, ns, name) : NULL;
}

/* The first that lies in PEP itself: one with a url is another rendering, elsewhere. */
static bool read_metadata(struct avatar_search *search, const struct xml_element *iq)
{
    const struct xml_element *metadata = item_payload(iq, NS_AVATAR_METADATA, NS_AVATAR_METADATA, "metadata");
    const struct xml_element *info = metadata ? xml_child(metadata, NS_AVATAR_METADATA, "info") : NULL;

    for (; info; info = xml_next(info, NS_AVATAR_METADATA, "info")) {
        struct span id = xml_attribute(info, "id");

        if (xml_attribute(info, "url").at == NULL && id.size > 0 && id.size <= ID_MOST) {
            search->id = id;
            return true;
        }
    }
    return false;
}

static bool read_data(struct avatar_search *search, const struct xml_element *iq)
{
    const struct xml_element *data = item_payload(iq, NS_AVATAR_DATA, NS_AVATAR_DATA, "data");

    return data &&
           picture_decode(xml_text(data, search->arena), search->most, search->arena, &search->picture);
}

/* <photo><uri>...</uri></photo> of a vCard4; several photos may be there. */
static bool read_card(struct avatar_search *search, const struct xml_element *card)
{
    const struct xml_element *photo = card ? xml_child(card, NS_VCARD4, "photo") : NULL;

    for (; photo; photo = xml_next(photo, NS_VCARD4, "photo")) {
        const struct xml_element *uri = xml_child(photo, NS_VCARD4, "uri");

        if (uri &&
            picture_from_uri(xml_text(uri, search->arena), search->most, search->arena, &search->picture))
            return true;
    }
    return false;
}

static bool read_vcard4_item(struct avatar_search *search, const struct xml_element *iq)
{
    return read_card(search, item_payload(iq, NODE_VCARD4, NS_VCARD4, "vcard"));
}

static bool read_vcard4(struct avatar_search *search, const struct xml_element *iq)
{
    return read_card(search, xml_child(iq, NS_VCARD4, "vcard"));
}

static bool read_vcard_temp(struct avatar_search *search, const struct xml_element *iq)
{
    const struct xml_element *card = xml_child(iq, NS_VCARD, "vCard");
    const struct xml_element *photo = card ? xml_child(card, NS_VCARD, "PHOTO") : NULL;
    const struct xml_element *bytes = photo ? xml_child(photo, NS_VCARD, "BINVAL") : NULL;
    const struct xml_element *url = photo ? xml_child(photo, NS_VCARD, "EXTVAL") : NULL;

    if (bytes &&
        picture_decode(xml_text(bytes, search->arena), search->most, search->arena, &search->picture))
        return true;
    return url &&
           picture_from_uri(xml_text(url, search->arena), search->most, search->arena, &search->picture);
}

/* ---- asking ---- */

static void on_answer(struct ask *ask);

static bool is_wanted(const struct avatar_search *search, unsigned place)
{
    if (places[place].query == NULL && search->id.size == 0)
        return false;
    return search->source == AVATAR_ANY || search->source == places[place].source;
}

/* false: no place is left. */
static bool ask_next(struct avatar_search *search)
{
    int64_t left = search->deadline - clock_mono();
    struct buf query = { 0 };

    while (search->place < PLACES && !is_wanted(search, search->place))
        search->place++;
    if (search->place == PLACES)
        return false;
    if (places[search->place].query)
        buf_text(&query, places[search->place].query);
    else
        add_data_query(search, &query);
    search->ask.done = on_answer;
    search->ask.data = search;
    ask_iq(search->host, &search->ask, search->arena, search->from, search->jid, IQ_GET, buf_span(&query),
           left > 0 ? left : 1);
    buf_free(&query);
    return true;
}

static void on_answer(struct ask *ask)
{
    struct avatar_search *search = OBJECT(ask->data, avatar_search);

    if (ask->problem == PROBLEM_none) {
        if (!ask->is_error)
            places[search->place].read(search, ask->answer);
        search->place++;
        if (search->picture.type == NULL && search->picture.elsewhere.size == 0 && ask_next(search))
            return;
    }
    OBJECT_DEAD(search);
    search->done(search);
}

void avatar_search_start(struct avatar_search *search)
{
    OBJECT_BORN(search, avatar_search);
    search->place = 0;
    search->id = SPAN("");
    must(ask_next(search));
}

void avatar_search_cancel(struct avatar_search *search)
{
    ask_cancel(&search->ask);
}
