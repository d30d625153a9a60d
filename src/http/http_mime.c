/*
 * Media types by extension: the ones that browsers ask for, as registered with IANA or named by the
 * WHATWG, text types with charset=utf-8. Kept sorted by extension and searched by halves; looked up when
 * a file enters the cache, not at each request. WebAssembly gets no parameter: a browser refuses to
 * stream it with one.
 */
#include "http/http_mime.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/bytes.h"
#include "http/http_mime_file.h"

#define TEXT(subtype) "text/" subtype "; charset=utf-8"

static const struct http_mime table[] = {
	{ "3gp", "video/3gpp" },
	{ "7z", "application/x-7z-compressed" },
	{ "aac", "audio/aac" },
	{ "adoc", TEXT("asciidoc") },
	{ "apk", "application/vnd.android.package-archive" },
	{ "apng", "image/apng" },
	{ "asc", TEXT("plain") },
	{ "atom", "application/atom+xml" },
	{ "avi", "video/x-msvideo" },
	{ "avif", "image/avif" },
	{ "azw", "application/vnd.amazon.ebook" },
	{ "bin", "application/octet-stream" },
	{ "bmp", "image/bmp" },
	{ "br", "application/octet-stream" },
	{ "bz2", "application/x-bzip2" },
	{ "c", TEXT("plain") },
	{ "cbor", "application/cbor" },
	{ "cc", TEXT("plain") },
	{ "cer", "application/pkix-cert" },
	{ "conf", TEXT("plain") },
	{ "cpp", TEXT("plain") },
	{ "crl", "application/pkix-crl" },
	{ "crt", "application/x-x509-ca-cert" },
	{ "css", TEXT("css") },
	{ "csv", TEXT("csv") },
	{ "cur", "image/x-icon" },
	{ "deb", "application/vnd.debian.binary-package" },
	{ "diff", TEXT("plain") },
	{ "dmg", "application/octet-stream" },
	{ "doc", "application/msword" },
	{ "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ "eot", "application/vnd.ms-fontobject" },
	{ "eps", "application/postscript" },
	{ "epub", "application/epub+zip" },
	{ "exe", "application/octet-stream" },
	{ "flac", "audio/flac" },
	{ "flv", "video/x-flv" },
	{ "geojson", "application/geo+json" },
	{ "gif", "image/gif" },
	{ "glb", "model/gltf-binary" },
	{ "gltf", "model/gltf+json" },
	{ "gpx", "application/gpx+xml" },
	{ "gz", "application/gzip" },
	{ "h", TEXT("plain") },
	{ "heic", "image/heic" },
	{ "heif", "image/heif" },
	{ "htc", TEXT("x-component") },
	{ "htm", TEXT("html") },
	{ "html", TEXT("html") },
	{ "ico", "image/x-icon" },
	{ "ics", TEXT("calendar") },
	{ "img", "application/octet-stream" },
	{ "ini", TEXT("plain") },
	{ "iso", "application/octet-stream" },
	{ "jar", "application/java-archive" },
	{ "java", TEXT("plain") },
	{ "jpeg", "image/jpeg" },
	{ "jpg", "image/jpeg" },
	{ "js", TEXT("javascript") },
	{ "json", "application/json" },
	{ "json5", "application/json5" },
	{ "jsonl", "application/jsonl" },
	{ "jsonld", "application/ld+json" },
	{ "jxl", "image/jxl" },
	{ "kml", "application/vnd.google-earth.kml+xml" },
	{ "kmz", "application/vnd.google-earth.kmz" },
	{ "log", TEXT("plain") },
	{ "lz", "application/x-lzip" },
	{ "m3u8", "application/vnd.apple.mpegurl" },
	{ "m4a", "audio/mp4" },
	{ "m4s", "video/iso.segment" },
	{ "m4v", "video/mp4" },
	{ "map", "application/json" },
	{ "md", TEXT("markdown") },
	{ "mid", "audio/midi" },
	{ "midi", "audio/midi" },
	{ "mjs", TEXT("javascript") },
	{ "mkv", "video/matroska" },
	{ "mml", TEXT("mathml") },
	{ "mov", "video/quicktime" },
	{ "mp3", "audio/mpeg" },
	{ "mp4", "video/mp4" },
	{ "mpd", "application/dash+xml" },
	{ "mpeg", "video/mpeg" },
	{ "mpg", "video/mpeg" },
	{ "msi", "application/octet-stream" },
	{ "odg", "application/vnd.oasis.opendocument.graphics" },
	{ "odp", "application/vnd.oasis.opendocument.presentation" },
	{ "ods", "application/vnd.oasis.opendocument.spreadsheet" },
	{ "odt", "application/vnd.oasis.opendocument.text" },
	{ "oga", "audio/ogg" },
	{ "ogg", "audio/ogg" },
	{ "ogv", "video/ogg" },
	{ "opus", "audio/ogg" },
	{ "otf", "font/otf" },
	{ "p7b", "application/x-pkcs7-certificates" },
	{ "patch", TEXT("plain") },
	{ "pcap", "application/vnd.tcpdump.pcap" },
	{ "pcapng", "application/octet-stream" },
	{ "pdf", "application/pdf" },
	{ "pem", "application/x-pem-file" },
	{ "png", "image/png" },
	{ "ppt", "application/vnd.ms-powerpoint" },
	{ "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation" },
	{ "ps", "application/postscript" },
	{ "py", TEXT("plain") },
	{ "rar", "application/vnd.rar" },
	{ "rdf", "application/rdf+xml" },
	{ "rpm", "application/x-rpm" },
	{ "rs", TEXT("plain") },
	{ "rss", "application/rss+xml" },
	{ "rtf", "application/rtf" },
	{ "sh", TEXT("plain") },
	{ "shtml", TEXT("html") },
	{ "spx", "audio/ogg" },
	{ "sql", "application/sql" },
	{ "svg", "image/svg+xml" },
	{ "swf", "application/x-shockwave-flash" },
	{ "tar", "application/x-tar" },
	{ "tgz", "application/gzip" },
	{ "tif", "image/tiff" },
	{ "tiff", "image/tiff" },
	{ "toml", "application/toml" },
	{ "torrent", "application/x-bittorrent" },
	{ "ts", "video/mp2t" },
	{ "tsv", TEXT("tab-separated-values") },
	{ "ttc", "font/collection" },
	{ "ttf", "font/ttf" },
	{ "txt", TEXT("plain") },
	{ "vcf", TEXT("vcard") },
	{ "vtt", TEXT("vtt") },
	{ "wasm", "application/wasm" },
	{ "wav", "audio/wav" },
	{ "weba", "audio/webm" },
	{ "webm", "video/webm" },
	{ "webmanifest", "application/manifest+json" },
	{ "webp", "image/webp" },
	{ "wmv", "video/x-ms-wmv" },
	{ "woff", "font/woff" },
	{ "woff2", "font/woff2" },
	{ "xht", "application/xhtml+xml" },
	{ "xhtml", "application/xhtml+xml" },
	{ "xls", "application/vnd.ms-excel" },
	{ "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ "xml", "application/xml" },
	{ "xpi", "application/x-xpinstall" },
	{ "xsd", "application/xml" },
	{ "xsl", "application/xslt+xml" },
	{ "xslt", "application/xslt+xml" },
	{ "xz", "application/x-xz" },
	{ "yaml", "application/yaml" },
	{ "yml", "application/yaml" },
	{ "zip", "application/zip" },
	{ "zst", "application/zstd" },
};

bool http_mime_set_extension(struct http_mime *m, const char *extension, size_t len)
{
	if (len == 0 || len >= sizeof m->extension || memchr(extension, '/', len) != NULL ||
	    memchr(extension, '.', len) != NULL)
		return false;
	for (size_t i = 0; i < len; i++)
		m->extension[i] = ascii_to_lower(extension[i]);
	m->extension[len] = '\0';
	return true;
}

/* What stands behind the last dot of the last segment; false if that is no extension. */
static bool set_extension_of(struct http_mime *m, const char *path, size_t len)
{
	size_t start = len;

	while (start > 0 && path[start - 1] != '.' && path[start - 1] != '/')
		start--;
	return start > 0 && path[start - 1] == '.' && http_mime_set_extension(m, path + start, len - start);
}

static int compare(const void *left, const void *right)
{
	const struct http_mime *a = left, *b = right;

	return strcmp(a->extension, b->extension);
}

const char *http_mime_type(const struct http_mime_file *more, const char *path, size_t len)
{
	const struct http_mime *found = NULL;
	struct http_mime wanted;

	if (set_extension_of(&wanted, path, len)) {
		found = bsearch(&wanted, table, ARRAY_LENGTH(table), sizeof wanted, compare);
		if (found == NULL && more != NULL)
			found = bsearch(&wanted, more->types, more->count, sizeof wanted, compare);
	}
	return found != NULL ? found->type : "application/octet-stream";
}

/* Printable characters without a space, so that it can stand in a rule. */
bool http_mime_pattern_is_valid(const char *pattern, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!ascii_is_visible(pattern[i]))
			return false;
	return (len == 1 && pattern[0] == '*') || memchr(pattern, '/', len) != NULL;
}

bool http_mime_fits(const char *pattern, size_t len, const char *type)
{
	if (pattern[len - 1] == '*')
		return strncasecmp(pattern, type, len - 1) == 0;
	return strcspn(type, "; ") == len && strncasecmp(pattern, type, len) == 0;
}

static bool ends_in(const char *type, size_t len, const char *suffix)
{
	size_t suffix_len = strlen(suffix);

	return len >= suffix_len && memcmp(type + len - suffix_len, suffix, suffix_len) == 0;
}

bool http_mime_is_compressible(const char *type)
{
	static const char *const suffixes[] = {
		"+xml",         "+json",      "/json",      "/xml",  "/json5",        "/jsonl",
		"/yaml",        "/toml",      "/sql",       "/wasm", "/vnd.ms-fontobject",
		"/rtf",         "/postscript", "font/ttf",  "font/otf", "image/x-icon", "image/bmp",
		"/javascript",
	};
	size_t len = strcspn(type, ";");

	if (strncmp(type, "text/", 5) == 0)
		return true;
	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
		if (ends_in(type, len, suffixes[i]))
			return true;
	return false;
}
