// curl's setters and getters take a value of any type, as only C can. Here is one for each type.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

static inline CURLcode ccurl_set_string(CURL *curl, CURLoption option, const char *value) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode ccurl_set_number(CURL *curl, CURLoption option, long value) {
    return curl_easy_setopt(curl, option, value);
}

static inline CURLcode ccurl_set_headers(CURL *curl, const struct curl_slist *headers) {
    return curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
}

static inline CURLcode ccurl_set_error_buffer(CURL *curl, char *buffer) {
    return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, buffer);
}

static inline CURLcode ccurl_set_receiver(CURL *curl, curl_write_callback body, curl_write_callback headers,
                                          curl_xferinfo_callback progress, void *context) {
    CURLcode code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, context);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, headers);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_HEADERDATA, context);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
    if (!code) code = curl_easy_setopt(curl, CURLOPT_XFERINFODATA, context);
    return code;
}

// Web addresses and files; a server can lead on to other web addresses only.
static inline CURLcode ccurl_restrict_protocols(CURL *curl) {
#if LIBCURL_VERSION_NUM >= 0x075500
    CURLcode code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
    return code ? code : curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    CURLcode code = curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
                                     (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS | CURLPROTO_FILE));
    return code ? code : curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

// A figure about the last transfer; -1 where curl has none.
static inline curl_off_t ccurl_figure(CURL *curl, CURLINFO info) {
    curl_off_t value = -1;
    return curl_easy_getinfo(curl, info, &value) == CURLE_OK ? value : -1;
}

// A text about the last transfer, which stays valid until the next; null where curl has none.
static inline const char *ccurl_text(CURL *curl, CURLINFO info) {
    const char *value = NULL;
    return curl_easy_getinfo(curl, info, &value) == CURLE_OK ? value : NULL;
}

// Where this libcurl expects the certificates that it trusts; null where it does not say.
static inline const char *ccurl_certificates(void) {
#if LIBCURL_VERSION_NUM >= 0x074600
    const curl_version_info_data *information = curl_version_info(CURLVERSION_NOW);
    return information->age >= CURLVERSION_SEVENTH ? information->cainfo : NULL;
#else
    return NULL;
#endif
}
