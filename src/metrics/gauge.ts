import { Gauge, type Registry } from 'prom-client';

/** A sample of a gauge: its labels and its value. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A gauge that is asked for when the node is scraped; where asking fails, it has no sample. */
export function addGauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  ask: () => Promise<readonly Sample[]>,
): void {
  const gauge = new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [],
    async collect() {
      const samples = await ask().catch(() => []);
      this.reset();
      // What a gauge without labels is reset to is 0, which would be a sample.
      if (labelNames.length === 0) this.remove();
      for (const [labels, value] of samples) this.set(labels, value);
    },
  });
  registry.registerMetric(gauge);
}
