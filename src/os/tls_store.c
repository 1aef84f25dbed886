/* SPDX-License-Identifier: ISC */
/* floor 2 sees 0 and OpenSSL: tls_store.c - certificates and keys by name; see tls.h.
 *
 * A file's own name comes first, then the names that its certificate holds (subjectAltName only, R21), so an
 * operator can always say what he means by a file name. */
#include "os/tls_store.h"

#include "base/must.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_MOST 255

static bool is_pem(const char *name)
{
    return name[0] != '.' && strlen(name) > 4 && span_ends(span_of(name), SPAN(".pem"));
}

static int pem_only(const struct dirent *entry)
{
    return is_pem(entry->d_name);
}

static struct span lower(struct span name, char into[NAME_MOST + 1])
{
    size_t size = name.size < NAME_MOST ? name.size : NAME_MOST;

    for (size_t i = 0; i < size; i++)
        into[i] = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] + 32) : name.at[i];
    return span_make(into, size);
}

static void learn(struct tls_store *store, struct span name, SSL_CTX *context)
{
    char text[NAME_MOST + 1];
    struct span key = lower(name, text);

    if (key.size && !map_get(store->names, key))
        map_set(store->names, key, context);
}

static void learn_file(struct tls_store *store, const char *file, SSL_CTX *context)
{
    struct span name = span_head(span_of(file), strlen(file) - 4);
    char wild[NAME_MOST + 1];

    if (name.size > 2 && name.size <= NAME_MOST && name.at[0] == '_' && name.at[1] == '.') {
        memcpy(wild, name.at, name.size);
        wild[0] = '*';
        name.at = wild;
    }
    learn(store, name, context);
}

static void learn_certificate(struct tls_store *store, SSL_CTX *context)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(SSL_CTX_get0_certificate(context), NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        const ASN1_STRING *text;

        if (name->type != GEN_DNS)
            continue;
        text = name->d.dNSName;
        learn(store, span_make((const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)),
              context);
    }
    GENERAL_NAMES_free(names);
}

static const char *reason(void)
{
    unsigned long code = ERR_get_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return text ? text : "it cannot be read";
}

static SSL_CTX *load(struct tls_store *store, const struct tls_options *options, const char *file,
                     char *why_r, size_t why_size)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    char path[4096];

    must(context != NULL);
    ERR_clear_error();
    snprintf(path, sizeof(path), "%s/%s", options->certs_dir, file);
    SSL_CTX_set_default_passwd_cb(context, tls_no_password);
    if (SSL_CTX_use_certificate_chain_file(context, path) != 1)
        snprintf(why_r, why_size, "%s: no good certificate: %s", path, reason());
    else if (SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) != 1)
        snprintf(why_r, why_size, "%s: no good private key behind the certificates: %s", path, reason());
    else if (SSL_CTX_check_private_key(context) != 1)
        snprintf(why_r, why_size, "%s: certificate and private key do not belong together", path);
    else if (tls_context_rules(context, store, options, why_r, why_size) == 0)
        return context;
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
}

static SSL_CTX *load_held(struct tls_store *store, const struct tls_options *options,
                          const struct tls_held *held, char *why_r, size_t why_size)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    const char *why;

    must(context != NULL);
    if (tls_pem_use(context, span_make(held->pem, held->size), &why) < 0)
        snprintf(why_r, why_size, "the certificate for %s: %s", held->file, why);
    else if (tls_context_rules(context, store, options, why_r, why_size) == 0)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static bool is_held(const struct tls_options *options, const char *file)
{
    for (size_t i = 0; i < options->held_count; i++)
        if (strcmp(options->held[i].file, file) == 0)
            return true;
    return false;
}

static int keep(struct tls_store *store, const struct tls_options *options, const char *file,
                SSL_CTX *context)
{
    const char *initial = options->default_certificate ? options->default_certificate : "default.pem";

    if (context == NULL)
        return -1;
    store->contexts[store->count++] = context;
    if (strcmp(file, initial) == 0)
        store->initial = context;
    learn_file(store, file, context);
    return 0;
}

static int load_all(struct tls_store *store, const struct tls_options *options, struct dirent **files,
                    int count, char *why_r, size_t why_size)
{
    store->contexts = must_alloc(((size_t)count + options->held_count) * sizeof(SSL_CTX *));
    for (int i = 0; i < count; i++)
        if (!is_held(options, files[i]->d_name) &&
            keep(store, options, files[i]->d_name, load(store, options, files[i]->d_name, why_r, why_size)) <
                0)
            return -1;
    for (size_t i = 0; i < options->held_count; i++)
        if (keep(store, options, options->held[i].file,
                 load_held(store, options, &options->held[i], why_r, why_size)) < 0)
            return -1;
    for (size_t i = 0; i < store->count; i++)
        learn_certificate(store, store->contexts[i]);
    if (store->initial == NULL && options->default_certificate) {
        snprintf(why_r, why_size, "%s/%s, the default certificate, is not there", options->certs_dir,
                 options->default_certificate);
        return -1;
    }
    if (store->initial == NULL)
        store->initial = store->contexts[0];
    return 0;
}

int tls_store_new(struct tls_store **store_r, const struct tls_options *options, char *why_r, size_t why_size)
{
    struct tls_store *store;
    struct dirent **files = NULL;
    int count = scandir(options->certs_dir, &files, pem_only, alphasort);
    int result = -1;

    *store_r = NULL;
    if (count < 0) {
        snprintf(why_r, why_size, "the folder of certificates, %s: %s", options->certs_dir, strerror(errno));
        return -1;
    }
    store = must_alloc(sizeof(*store));
    store->names = map_new();
    if (count == 0 && options->held_count == 0)
        snprintf(why_r, why_size,
                 "no certificate in %s: put one there as <domain>.pem, chain and key in one file",
                 options->certs_dir);
    else
        result = load_all(store, options, files, count, why_r, why_size);
    for (int i = 0; i < count; i++)
        free(files[i]);
    free(files);
    if (result < 0)
        tls_store_free(&store);
    *store_r = store;
    return result;
}

void tls_store_free(struct tls_store **store)
{
    if (*store == NULL)
        return;
    for (size_t i = 0; i < (*store)->count; i++)
        SSL_CTX_free((*store)->contexts[i]);
    free((*store)->contexts);
    map_free(&(*store)->names);
    free(*store);
    *store = NULL;
}

SSL_CTX *tls_store_find(const struct tls_store *store, const char *name)
{
    char text[NAME_MOST + 1], wild[NAME_MOST + 2];
    struct span key = lower(span_of(name), text);
    SSL_CTX *found = map_get(store->names, key);
    ssize_t dot = span_find(key, '.');

    if (found || dot <= 0)
        return found;
    wild[0] = '*';
    memcpy(wild + 1, key.at + dot, key.size - (size_t)dot);
    return map_get(store->names, span_make(wild, 1 + key.size - (size_t)dot));
}

bool tls_store_has(const struct tls_store *store, const char *domain)
{
    return tls_store_find(store, domain) != NULL;
}

bool tls_store_same(const struct tls_store *store, const char *a, const char *b)
{
    const SSL_CTX *one = tls_store_find(store, a), *other = tls_store_find(store, b);

    return (one ? one : store->initial) == (other ? other : store->initial);
}

void tls_store_tickets(struct tls_store *store, const struct tls_tickets *tickets)
{
    store->tickets = *tickets;
    for (size_t i = 0; i < store->count; i++)
        SSL_CTX_set_tlsext_ticket_key_evp_cb(store->contexts[i], tls_on_ticket);
}
