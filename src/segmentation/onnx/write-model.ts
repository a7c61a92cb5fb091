import { type FileHandle, open, rm } from 'node:fs/promises';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Attribute, Graph, GraphNode, Initializer, Value } from './graph.ts';
import {
  type AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProtoSchema,
  type ValueInfoProtoSchema,
} from './onnx_pb.ts';

/** The newest that both onnx 1.12 and onnxruntime 1.14 and later read; it has LayerNormalization. */
const OPSET = 17n;
/** Goes with this opset. */
const IR_VERSION = 8n;
/** Says in a file who wrote it. */
export const PRODUCER = 'pansegnet-node';
/** Readers of protobuf refuse larger messages. */
const LARGEST_MODEL_BYTES = 2 ** 31 - 1;

/** Values of the format's AttributeProto.AttributeType. */
const ATTRIBUTE_TYPES = { float: 1, int: 2, ints: 7 } as const;
/** Values of the format's TensorProto.DataType, and bytes of an element. */
const DATA_TYPES = { float32: { code: 1, bytes: 4 }, int64: { code: 7, bytes: 8 } } as const;

/**
 * Writes a graph as one ONNX file, tensor after tensor: lengths are known beforehand, so that only the tensor
 * in hand is in memory. Nothing is left of the file when this fails.
 */
export async function writeModel(graph: Graph, file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await writeChunks(handle, graph);
  } catch (error) {
    await handle.close();
    await rm(file, { force: true });
    throw error;
  }
  await handle.close();
}

/** The same file in memory. */
export async function modelBytes(graph: Graph): Promise<Uint8Array> {
  const layout = layOut(graph);
  const bytes = new Uint8Array(layout.length);
  let at = 0;
  for await (const chunk of chunksOf(layout)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function writeChunks(handle: FileHandle, graph: Graph): Promise<void> {
  // `writeFile` of a handle goes on where the last write ended.
  for await (const chunk of chunksOf(layOut(graph))) await handle.writeFile(chunk);
}

interface Layout {
  /** Of all that comes. */
  readonly length: number;
  readonly start: Uint8Array;
  readonly tensors: readonly { readonly initializer: Initializer; readonly head: Uint8Array }[];
}

function layOut(graph: Graph): Layout {
  const structure = toBinary(GraphProtoSchema, structureOf(graph));
  const tensors = graph.initializers.map((initializer) => ({ initializer, head: tensorHead(initializer) }));
  const tensorBytes = tensors.reduce(
    (sum, { initializer, head }) => sum + head.length + valueBytes(initializer),
    0,
  );
  const start = Buffer.concat([
    toBinary(ModelProtoSchema, modelFrame()),
    new BinaryWriter()
      .tag(ModelProtoSchema.field.graph.number, WireType.LengthDelimited)
      .uint32(structure.length + tensorBytes)
      .finish(),
    structure,
  ]);
  const length = start.length + tensorBytes;
  if (length > LARGEST_MODEL_BYTES) {
    throw new Error(`a network of ${length} bytes doesn't fit an ONNX file`);
  }
  return { length, start, tensors };
}

async function* chunksOf({ start, tensors }: Layout): AsyncGenerator<Uint8Array> {
  yield start;
  for (const { initializer, head } of tensors) {
    yield head;
    yield await valuesOf(initializer);
  }
}

const modelFrame = () =>
  create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: PRODUCER,
    opsetImport: [{ domain: '', version: OPSET }],
  });

/** The graph without its initializers: they are appended one by one, which protobuf takes for the same. */
function structureOf(graph: Graph) {
  return create(GraphProtoSchema, {
    name: graph.name,
    node: graph.nodes.map(nodeOf),
    input: graph.inputs.map(valueInfoOf),
    output: graph.outputs.map(valueInfoOf),
  });
}

function nodeOf({
  operator,
  inputs,
  outputs,
  attributes,
}: GraphNode): MessageInitShape<typeof NodeProtoSchema> {
  return {
    opType: operator,
    name: outputs[0] ?? '',
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => ({ name, ...attributeOf(value) })),
  };
}

function attributeOf(attribute: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  if ('int' in attribute) return { type: ATTRIBUTE_TYPES.int, i: BigInt(attribute.int) };
  if ('ints' in attribute) return { type: ATTRIBUTE_TYPES.ints, ints: attribute.ints.map(BigInt) };
  return { type: ATTRIBUTE_TYPES.float, f: attribute.float };
}

function valueInfoOf({ name, shape }: Value): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((length) => ({ dimValue: BigInt(length) }));
  return { name, type: { tensorType: { elemType: DATA_TYPES.float32.code, shape: { dim } } } };
}

/** All of GraphProto's field `initializer` but the tensor's values, which come last. */
function tensorHead(initializer: Initializer): Uint8Array {
  const facts = toBinary(
    TensorProtoSchema,
    create(TensorProtoSchema, {
      dims: initializer.shape.map(BigInt),
      dataType: DATA_TYPES[initializer.type].code,
      name: initializer.name,
    }),
  );
  const valuesStart = new BinaryWriter()
    .tag(TensorProtoSchema.field.rawData.number, WireType.LengthDelimited)
    .uint32(valueBytes(initializer))
    .finish();
  const tensorStart = new BinaryWriter()
    .tag(GraphProtoSchema.field.initializer.number, WireType.LengthDelimited)
    .uint32(facts.length + valuesStart.length + valueBytes(initializer))
    .finish();
  return Buffer.concat([tensorStart, facts, valuesStart]);
}

function valueBytes({ type, shape }: Initializer): number {
  return DATA_TYPES[type].bytes * shape.reduce((product, length) => product * length, 1);
}

async function valuesOf(initializer: Initializer): Promise<Uint8Array> {
  const values = await initializer.read();
  if (values.byteLength === valueBytes(initializer)) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  throw new Error(
    `${initializer.name} has ${values.length} values, its shape is [${initializer.shape.join(', ')}]`,
  );
}
