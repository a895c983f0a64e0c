"""Web configurations, and what becomes of clients: each is tried on the exporter and on the exporters' own toolkit.

A case without clients is about the file alone. `differs`: what the exporter does otherwise than the toolkit, and
docs/CONFIGURATION.md says so; the answers are then the exporter's.
"""

from dataclasses import dataclass, field

REFUSED, CLEAR, OK, UNAUTHORIZED, TOO_MANY = "refused", "400", "200", "401", "429"


@dataclass
class Case:
    name: str
    config: str
    # Arguments of curl, and what becomes of the request.
    clients: list = field(default_factory=list)
    good: bool = True
    # Other than the toolkit: why.
    differs: str = ""


TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
VERIFY = TLS + "  client_auth_type: RequireAndVerifyClientCert\n"
MUTUAL = VERIFY + "  client_ca_file: ca.crt\n"
USERS = (
    "basic_auth_users:\n"
    "  alice: $2y$04$GYLa.Sv2r/.8AsDWUVoyvOr2ma1yFlkDK8pnd1XG6m8GrfaJAJT9C\n"
    "  bob: $2y$05$YQHu4TEZucgQk7eGPqnS7OL5KX8FoAYQL99UQAC5Vf5SwRG0aEFty\n"
)


def inline(key, file):
    """The key with the text of the file, which doors.py puts in."""
    return f"{key}: |\n    <{file}>"


def tls(*lines):
    return "tls_server_config:\n" + "".join(f"  {line}\n" for line in lines)


def bad(name, config, differs=""):
    return Case(name, config, good=False, differs=differs)


def http(*arguments):
    return ("http", *arguments)


def https(*arguments):
    return ("https", *arguments)


def showing(name, *arguments):
    return https("--cert", f"{name}.crt", "--key", f"{name}.key", *arguments)


def sans(*names, auth=MUTUAL):
    return auth + "  client_allowed_sans: [" + ", ".join(f"'{name}'" for name in names) + "]\n"


PLAIN = [(http(), OK), (https(), REFUSED)]
ENCRYPTED = [(https(), OK), (http(), CLEAR)]
GCM_128, GCM_256 = "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"
OLD = ("--tls-max", "1.2")
SUITES = TLS + "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n"
NO_HTTP2 = TLS + "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n"

CASES = [
    # The file.
    Case("nothing", "", PLAIN),
    Case("only sections without anything", "tls_server_config: {}\nhttp_server_config: {}\nbasic_auth_users: {}\nrate_limit: {}\n", PLAIN),
    bad("junk", "hWkNKCp3fvIx3jKnsaBI\nTuEjdwNS8A2vYdFbiKqr\n"),
    bad("no YAML", "tls_server_config: {cert_file: [\n"),
    bad("an unknown section", "tls_config: {cert_file: server.crt}\n"),
    bad("an unknown key", TLS + "  cert_filse: server.crt\n"),
    bad("a key twice", TLS + "  key_file: server.key\n"),
    bad("a list for a section", "tls_server_config: [cert_file]\n"),
    # Certificate and key.
    Case("TLS", TLS, ENCRYPTED),
    Case("a text for a boolean of YAML 1.1", TLS + "  prefer_server_cipher_suites: off\nhttp_server_config: {http2: no}\n", ENCRYPTED),
    Case("certificate and key inline", tls(inline("cert", "server.crt"), inline("key", "server.key")), ENCRYPTED),
    Case("the key inline", tls("cert_file: server.crt", inline("key", "server.key")), ENCRYPTED),
    bad("an empty cert_file", "tls_server_config: {cert_file: '', key_file: server.key}\n"),
    bad("an empty cert", "tls_server_config: {cert: '', key_file: server.key}\n"),
    bad("an empty key_file", "tls_server_config: {cert_file: server.crt, key_file: ''}\n"),
    bad("an empty key", "tls_server_config: {cert_file: server.crt, key: ''}\n"),
    bad("neither certificate nor key", "tls_server_config: {cert_file: '', key_file: '', client_auth_type: x}\n"),
    bad("no certificate file", "tls_server_config: {cert_file: somefile, key_file: server.key}\n"),
    bad("no key file", "tls_server_config: {cert_file: server.crt, key_file: somefile}\n"),
    bad("neither file", "tls_server_config: {cert_file: somefile, key_file: somefile}\n"),
    bad("a certificate that is none", "tls_server_config: {cert_file: junk.pem, key_file: server.key}\n"),
    bad("a certificate that is cut off", "tls_server_config: {cert_file: cut.pem, key_file: server.key}\n"),
    bad("a key that is none", "tls_server_config: {cert_file: server.crt, key_file: junk.pem}\n"),
    bad("a key in the certificate's place", "tls_server_config: {cert_file: server.key, key_file: server.key}\n"),
    bad("an encrypted key", "tls_server_config: {cert_file: server.crt, key_file: encrypted.key}\n"),
    bad("another certificate's key", "tls_server_config: {cert_file: server.crt, key_file: client.key}\n"),
    # Versions, suites, curves.
    Case("a client of TLS 1.1", TLS, [(https("--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0"), REFUSED)]),
    Case("TLS 1.2 alone", TLS + "  max_version: TLS12\n", [(https(*OLD), OK), (https("--tlsv1.3"), REFUSED)]),
    Case("TLS 1.3 alone", TLS + "  min_version: TLS13\n", [(https(), OK), (https(*OLD), REFUSED)]),
    bad("an unknown version", TLS + "  min_version: TLS111\n"),
    Case("some suites", SUITES, [(https(*OLD, "--ciphers", GCM_128), OK), (https(*OLD, "--ciphers", f"{GCM_256}:{GCM_128}"), OK)]),
    Case("no common suite", SUITES, [(https(*OLD, "--ciphers", "ECDHE-RSA-AES256-SHA"), REFUSED), (https(*OLD, "--ciphers", "ECDHE-RSA-CHACHA20-POLY1305"), REFUSED)]),
    Case("suites in the client's order", SUITES + "  prefer_server_cipher_suites: false\n", [(https(*OLD), OK)]),
    Case("suites of TLS 1.3 in the list", SUITES.replace("[", "[TLS_AES_128_GCM_SHA256, ").replace("  max_version: TLS12\n", ""), [(https(*OLD), OK), (https("--tlsv1.3"), OK)]),
    bad("an unknown suite", TLS + "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048]\n"),
    bad("a suite without forward secrecy", TLS + "  cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256]\n"),
    bad("HTTP/2 without its suite", NO_HTTP2),
    Case("no HTTP/2, and not its suite", NO_HTTP2 + "http_server_config: {http2: false}\n", [(https(), OK), (https("--http2"), OK)]),
    Case("some curves", TLS + "  curve_preferences: [X25519]\n", [(https("--curves", "X25519"), OK), (https("--curves", "P-384"), REFUSED)]),
    Case("other curves", TLS + "  curve_preferences: [CurveP384, CurveP256]\n", [(https("--curves", "P-256"), OK), (https("--curves", "X25519"), REFUSED)]),
    bad("an unknown curve", TLS + "  curve_preferences: [CurveP257]\n"),
    # Clients.
    Case("no certificate is asked for", TLS + "  client_auth_type: NoClientCert\n", [(https(), OK), (showing("foreign"), OK)]),
    Case("one is asked for", TLS + "  client_auth_type: RequestClientCert\n", [(https(), OK), (showing("client"), OK), (showing("foreign"), OK)]),
    Case("any is needed", TLS + "  client_auth_type: RequireAnyClientCert\n", [(https(), REFUSED), (showing("client"), OK), (showing("foreign"), OK), (showing("expired"), OK)]),
    Case("any is needed, by its old name", TLS + "  client_auth_type: RequireClientCert\n", [(https(), REFUSED), (showing("foreign"), OK)]),
    Case("one that is given is verified", TLS + "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n", [(https(), OK), (showing("client"), OK), (showing("foreign"), REFUSED)]),
    Case("a verified one is needed", MUTUAL, [(https(), REFUSED), (showing("client"), OK), (showing("plain"), OK), (showing("foreign"), REFUSED), (http(), CLEAR)]),
    Case("a verified one is needed, in TLS 1.2", MUTUAL, [(https(*OLD), REFUSED), (showing("client", *OLD), OK), (showing("foreign", *OLD), REFUSED)]),
    Case("an expired one", MUTUAL, [(showing("expired"), REFUSED)]),
    Case("a server's", MUTUAL, [(showing("no-client"), REFUSED)]),
    Case("one with an authority between", MUTUAL, [(showing("below"), OK)]),
    Case("the authority inline", MUTUAL.replace("client_ca_file: ca.crt", inline("client_ca", "ca.crt")), [(showing("client"), OK), (showing("foreign"), REFUSED)]),
    Case("certificates in the authorities' place", VERIFY + "  client_ca_file: self.crt\n", [(showing("self"), OK), (showing("client"), REFUSED)]),
    Case("nobody verifies, and nothing was given", TLS + "  client_auth_type: VerifyClientCertIfGiven\n", [(https(), OK), (showing("client"), REFUSED)]),
    Case("nobody can be verified", VERIFY, [(https(), REFUSED), (showing("client"), REFUSED)]),
    bad("authorities without a policy", TLS + "  client_ca_file: ca.crt\n"),
    bad("no authorities' file", VERIFY + "  client_ca_file: somefile\n"),
    bad("an unknown policy", TLS + "  client_auth_type: RequireCert\n"),
    Case("a name that is allowed", sans("one", "scraper.example.org"), [(showing("client"), OK), (https(), REFUSED)]),
    Case("names that are not", sans("example.org", "*.example.org", "SCRAPER.example.org", "client"), [(showing("client"), REFUSED)]),
    Case("a certificate without names", sans("plain"), [(showing("plain"), REFUSED)]),
    Case("an address", sans("192.0.2.7"), [(showing("client"), OK)]),
    Case("an e-mail address", sans("scraper@example.org"), [(showing("client"), OK)]),
    Case("a URI", sans("spiffe://example.org/scraper"), [(showing("client"), OK)]),
    Case("names of unverified certificates", sans("scraper.example.org", auth=TLS + "  client_auth_type: RequestClientCert\n"), [(https(), OK), (showing("foreign"), OK), (showing("plain"), REFUSED)]),
    # Requests.
    Case("users", USERS, [(http(), UNAUTHORIZED), (http("-u", "alice:alice123"), OK), (http("-u", "bob:bob123"), OK), (http("-u", "alice:bob123"), UNAUTHORIZED), (http("-u", "carol:carol123"), UNAUTHORIZED), (http("-u", "carol:fakepassword"), UNAUTHORIZED), (http("-u", "alice:"), UNAUTHORIZED)]),
    Case("users over TLS", TLS + USERS, [(https(), UNAUTHORIZED), (https("-u", "alice:alice123"), OK), (https("-u", "alice:alice124"), UNAUTHORIZED), (http("-u", "alice:alice123"), CLEAR)]),
    Case("users and certificates", MUTUAL + USERS, [(showing("client"), UNAUTHORIZED), (showing("client", "-u", "bob:bob123"), OK), (https("-u", "bob:bob123"), REFUSED)]),
    bad("a password that is not hashed", TLS + "basic_auth_users: {john: doe}\n"),
    bad("a user without a password", "basic_auth_users: {john: }\n"),
    bad("a list of users", "basic_auth_users: [john]\n"),
    Case("headers", "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Strict-Transport-Security: max-age=31536000; includeSubDomains\n    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1\n    Content-Security-Policy: \"default-src 'self' *.test.example.net\"\n", PLAIN),
    bad("a header that may not be set", "http_server_config: {headers: {Content-Type: foo}}\n"),
    bad("a header in other letters", "http_server_config: {headers: {x-frame-options: deny}}\n"),
    bad("frames by another word", "http_server_config: {headers: {X-Frame-Options: foo}}\n"),
    bad("sniffing by another word", "http_server_config: {headers: {X-Content-Type-Options: sniff}}\n"),
    Case("no rate limit", "rate_limit: {interval: 0, burst: 0}\n", [(http(), OK)] * 5),
    Case("a rate limit", "rate_limit: {interval: 1h, burst: 2}\n", [(http(), OK), (http(), OK), (http(), TOO_MANY)]),
    Case("a rate limit that lets nobody in", "rate_limit: {interval: 1s, burst: 0}\n", [(http(), TOO_MANY)]),
    bad("a rate limit by no duration", "rate_limit: {interval: often, burst: 2}\n"),
    # What rustls does not have.
    bad("suites with CBC", TLS + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]\n", differs="no suite with CBC"),
    bad("the curve P-521", TLS + "  curve_preferences: [CurveP521]\n", differs="no curve P-521"),
    bad("TLS 1.1", TLS + "  min_version: TLS11\n", differs="no TLS 1.1"),
    bad("TLS 1.0", TLS + "  min_version: TLS10\n", differs="no TLS 1.0"),
    # What the toolkit lets pass, though nobody can want it.
    bad("a version of at least more than at most", TLS + "  min_version: TLS13\n  max_version: TLS12\n", differs="no handshake would succeed"),
    bad("a certificate twice", "tls_server_config: {cert_file: server.crt, cert: x, key_file: server.key}\n", differs="one of the two would be ignored"),
    bad("TLS settings without a certificate", "tls_server_config: {min_version: TLS13}\n", differs="it would be plain HTTP"),
    bad("names without a policy", sans("scraper.example.org", auth=TLS), differs="nobody's name would be looked at"),
    bad("no name at all", MUTUAL + "  client_allowed_sans: []\n", differs="nobody would be let in"),
    bad("authorities that are none", VERIFY + "  client_ca_file: junk.pem\n", differs="nobody would be let in"),
    bad("an alias of YAML", "basic_auth_users: &users {}\nhttp_server_config: *users\n", differs="no aliases"),
    bad("an interval without a unit", "rate_limit: {interval: 5, burst: 5}\n", differs="it would be nanoseconds"),
]
