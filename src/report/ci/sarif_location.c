#include "report/ci/sarif_location.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "report/common/phrases.h"
#include "report/common/source.h"

#define BASE "%SRCROOT%" /* the name that code scanning expects */
#define NAME_MAX_BYTES 4096

/* RFC 3986: writes all characters as %NN, except unreserved ones and the slash. False: it does not fit. */
static bool put_uri(char *out, size_t size, const char *scheme, const char *path, const char *after)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    size_t used = (size_t)snprintf(out, size, "%s", scheme);
    for (const char *at = path; *at; at++) {
        if (used + 4 + strlen(after) > size)
            return false;
        used += (size_t)snprintf(out + used, size - used, strchr(plain, *at) ? "%c" : "%%%02X",
                                 (unsigned char)*at);
    }
    return snprintf(out + used, size - used, "%s", after) >= 0;
}

static json_t *artifact_json(const char *file)
{
    char path[PATH_MAX], uri[3 * PATH_MAX + 16];
    format_source_path(path, sizeof(path), file);
    if (!put_uri(uri, sizeof(uri), *path == '/' ? "file://" : "", path, ""))
        return NULL;
    return *path == '/' ? json_pack("{ss}", "uri", uri) : json_pack("{ss ss}", "uri", uri, "uriBaseId", BASE);
}

/* The source file, or else the module. */
static json_t *physical_json(const struct frame *frame)
{
    const char *file = frame->file ? frame->file : frame->module;
    json_t *json = json_object(), *artifact = file ? artifact_json(file) : NULL;
    if (artifact)
        json_object_set_new(json, "artifactLocation", artifact);
    if (artifact && frame->file && frame->line > 0)
        json_object_set_new(json, "region", json_pack("{si}", "startLine", frame->line));
    if (frame->pc && frame->pc <= INT64_MAX)
        json_object_set_new(json, "address", json_pack("{sI}", "absoluteAddress", (json_int_t)frame->pc));
    if (json_object_size(json) > 0)
        return json;
    json_decref(json);
    return NULL;
}

static json_t *location_json(const struct frame *frame)
{
    char name[NAME_MAX_BYTES];
    json_t *physical = physical_json(frame);
    format_function(name, sizeof(name), frame, sizeof(name) - 1);
    json_t *json = json_pack("{s[{so ss}]}", "logicalLocations", "fullyQualifiedName", json_text(name),
                             "kind", "function");
    if (json && physical)
        json_object_set(json, "physicalLocation", physical);
    json_decref(physical);
    return json;
}

json_t *sarif_location(const struct frame *frame, const char *message)
{
    json_t *json = location_json(frame);
    if (json)
        json_object_set_new(json, "message", json_pack("{so}", "text", json_text(message)));
    return json;
}

json_t *sarif_locations(const struct frame *frame)
{
    return frame ? json_pack("[o]", location_json(frame)) : json_array();
}

static json_t *frame_json(const struct frame *frame, pid_t tid)
{
    json_t *json = json_pack("{so}", "location", location_json(frame));
    if (json && frame->module)
        json_object_set_new(json, "module", json_text(frame->module));
    if (json && tid > 0)
        json_object_set_new(json, "threadId", json_integer(tid));
    return json;
}

json_t *sarif_stack(const char *message, const struct frame *frames, size_t count, pid_t tid)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, frame_json(&frames[i], tid));
    return json_pack("{s{so} so}", "message", "text", json_text(message), "frames", array);
}

json_t *sarif_bases(void)
{
    char uri[3 * PATH_MAX + 16];
    const char *root = source_root();
    if (!*root || !put_uri(uri, sizeof(uri), "file://", root, "/"))
        return json_object();
    return json_pack("{s{ss}}", BASE, "uri", uri);
}
