// The collector's own core, exporter and processor, which judge a configuration: `collector validate --config=FILE`.
// Its Prometheus receiver would bring every service discovery of Prometheus, two gigabytes of modules: here it is one that
// takes any `config`, which is Prometheus's own and is judged by promtool.
package main

import (
	"context"
	"log"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusremotewriteexporter"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

// Receives nothing: only the configuration is judged.
type nothing struct {
	component.StartFunc
	component.ShutdownFunc
}

type prometheusConfig struct {
	Config map[string]any `mapstructure:"config"`
}

func prometheusReceiver() receiver.Factory {
	create := func(context.Context, receiver.Settings, component.Config, consumer.Metrics) (receiver.Metrics, error) {
		return nothing{}, nil
	}
	return receiver.NewFactory(
		component.MustNewType("prometheus"),
		func() component.Config { return &prometheusConfig{} },
		receiver.WithMetrics(create, component.StabilityLevelBeta),
	)
}

func factories() (known otelcol.Factories, err error) {
	if known.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](prometheusReceiver()); err != nil {
		return known, err
	}
	if known.Processors, err = otelcol.MakeFactoryMap[processor.Factory](batchprocessor.NewFactory()); err != nil {
		return known, err
	}
	known.Telemetry = otelconftelemetry.NewFactory()
	known.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](prometheusremotewriteexporter.NewFactory())
	return known, err
}

func main() {
	settings := otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "collector", Version: "test"},
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory()},
			DefaultScheme:     "file",
		}},
	}
	if err := otelcol.NewCommand(settings).Execute(); err != nil {
		log.Fatal(err)
	}
}
