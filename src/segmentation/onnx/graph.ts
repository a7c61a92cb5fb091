/** A value that flows through a graph: a node's output, the network's input, or an initializer. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Kinds of attribute that the nodes here have; ONNX wants each to say whether it is whole. */
export type Attribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

export interface GraphNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** Constant values, read only when they are written to the file. */
export interface Initializer extends Value {
  readonly type: 'float32' | 'int64';
  read(): Promise<Float32Array | BigInt64Array>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
}

/** Collects nodes in the order of execution. Shapes are all fixed, so that they are known while building. */
export class GraphBuilder {
  readonly #nodes: GraphNode[] = [];
  readonly #initializers = new Map<string, Initializer>();
  readonly #inputs: Value[] = [];
  #scope = '';

  /** Names of what `build` adds begin with the scope, so that a profile can be read. */
  within<T>(scope: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${scope}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  input(name: string, shape: readonly number[]): Value {
    const value = { name, shape };
    this.#inputs.push(value);
    return value;
  }

  /** A node with one output of this shape. */
  node(
    operator: string,
    inputs: readonly Value[],
    shape: readonly number[],
    attributes: Attributes = {},
  ): Value {
    return this.#add(operator, inputs, [shape], attributes)[0] as Value;
  }

  /** A node with several outputs. */
  nodes(
    operator: string,
    inputs: readonly Value[],
    shapes: readonly (readonly number[])[],
    attributes: Attributes = {},
  ): Value[] {
    return this.#add(operator, inputs, shapes, attributes);
  }

  /** The same name is the same tensor. */
  initializer(name: string, shape: readonly number[], read: () => Promise<Float32Array>): Value {
    return this.#initializer({ name, shape, type: 'float32', read });
  }

  scalar(value: number): Value {
    return this.#initializer({
      name: `number ${value}`,
      shape: [],
      type: 'float32',
      read: async () => Float32Array.of(value),
    });
  }

  integers(values: readonly number[]): Value {
    return this.#initializer({
      name: `integers ${values.join(' ')}`,
      shape: [values.length],
      type: 'int64',
      read: async () => BigInt64Array.from(values, BigInt),
    });
  }

  /** The graph whose output is `value`, called `outputName`. */
  graph(name: string, value: Value, outputName: string): Graph {
    const output = { name: outputName, shape: value.shape };
    this.#nodes.push({ operator: 'Identity', inputs: [value.name], outputs: [outputName], attributes: {} });
    return {
      name,
      inputs: this.#inputs,
      outputs: [output],
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
    };
  }

  #add(
    operator: string,
    inputs: readonly Value[],
    shapes: readonly (readonly number[])[],
    attributes: Attributes,
  ): Value[] {
    const number = this.#nodes.length;
    const outputs = shapes.map((shape, i) => ({
      name: `${this.#scope}${operator}_${number}${shapes.length > 1 ? `_${i}` : ''}`,
      shape,
    }));
    this.#nodes.push({
      operator,
      inputs: inputs.map((input) => input.name),
      outputs: outputs.map((output) => output.name),
      attributes,
    });
    return outputs;
  }

  #initializer(initializer: Initializer): Value {
    const known = this.#initializers.get(initializer.name);
    if (known) return known;
    this.#initializers.set(initializer.name, initializer);
    return initializer;
  }
}
