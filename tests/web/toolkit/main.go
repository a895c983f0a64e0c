// A server behind the Prometheus project's own exporter-toolkit: what it takes and refuses is what the exporter's web
// configuration is held against.
package main

import (
	"flag"
	"log/slog"
	"net/http"
	"os"

	"github.com/prometheus/exporter-toolkit/web"
)

func main() {
	address := flag.String("web.listen-address", "", "where to listen")
	config := flag.String("web.config.file", "", "the web configuration")
	flag.Parse()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { answer.WriteHeader(http.StatusOK) })
	systemd := false
	flags := web.FlagConfig{WebListenAddresses: &[]string{*address}, WebSystemdSocket: &systemd, WebConfigFile: config}
	logger.Error(web.ListenAndServe(&http.Server{}, &flags, logger).Error())
	os.Exit(1)
}
