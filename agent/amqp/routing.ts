// Topic routing as a broker does it, and what a queue and a message are to us. No broker is needed to decide any of it.

/** Everybody on the bus uses this exchange; it is there on every broker and nobody declares one (amqp-head-node.md 2). */
export const EXCHANGE = "amq.topic";

export interface MessageProperties {
  readonly contentType?: string;
  readonly messageId?: string;
  readonly correlationId?: string;
  /** Name of a task. */
  readonly type?: string;
  readonly appId?: string;
  readonly persistent?: boolean;
}

/** Something to publish on {@link EXCHANGE}; the body is a JSON value. */
export interface OutgoingMessage {
  readonly routingKey: string;
  readonly properties: MessageProperties;
  readonly body: unknown;
}

export interface QueueDeclaration {
  readonly name: string;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Readonly<Record<string, string | number | boolean>>;
  /** Topic patterns on {@link EXCHANGE}. */
  readonly bindings: readonly string[];
}

/**
 * Whether a queue bound with `pattern` gets a message with `key`: words are separated by dots, `*` is one word, `#` any
 * number of them, none included. Everything else is literal. Time is the product of the numbers of words.
 */
export function matchesTopic(pattern: string, key: string): boolean {
  const wanted = words(pattern);
  const given = words(key);
  // reached[j]: the pattern so far takes the first j words of the key
  let reached = given.map(() => false);
  reached.unshift(true);
  for (const word of wanted) {
    const next: boolean[] = [word === "#" && reached[0] === true];
    for (let j = 1; j <= given.length; j++) {
      const before = reached[j - 1] === true;
      if (word === "#") next.push(before || reached[j] === true || next[j - 1] === true);
      else next.push(before && (word === "*" || word === given[j - 1]));
    }
    reached = next;
  }
  return reached.at(-1) === true;
}

function words(key: string): string[] {
  return key === "" ? [] : key.split(".");
}
