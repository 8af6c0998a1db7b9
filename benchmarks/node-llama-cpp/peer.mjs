// Measures node-llama-cpp for the peers command: one request as a line of JSON on standard input, one answer as a line of JSON on standard output. The end of standard
// input ends the program, so that it never outlives whoever started it. What llama.cpp logs goes to standard error.
import {createInterface} from "node:readline";
import {getLlama, getModuleVersion, LlamaGrammarEvaluationState} from "node-llama-cpp";

let llama, model, context, sequences = [];

async function load({path, threads, contextSize, sequences: count, batchSize, gpu, gpuLayers}) {
    llama = await getLlama({gpu, build: "never", progressLogs: false, maxThreads: 0, logger: (level, message) => process.stderr.write(`${message}\n`), logLevel: "error"});
    model = await llama.loadModel({modelPath: path, gpuLayers});
    context = await model.createContext({contextSize, sequences: count, batchSize, threads: {ideal: threads, min: threads}});
    sequences = Array.from({length: count}, () => context.getSequence());
    return {version: await getModuleVersion(), gpu: llama.gpu === false ? "cpu" : llama.gpu};
}

// All prompts at once, each for exactly as many tokens: a token that ends an answer is taken like any other.
async function answer({prompts, tokens, schema}) {
    const grammar = schema == null ? undefined : await llama.createGrammarForJsonSchema(schema);
    for (let i = 0; i < prompts.length; i++)
        await sequences[i].clearHistory();
    const start = performance.now();
    const firsts = await Promise.all(prompts.map((prompt, i) => answerOne(sequences[i], prompt, tokens, grammar, start)));
    return {totalMs: performance.now() - start, firstMs: Math.max(...firsts)};
}

async function answerOne(sequence, prompt, tokens, grammar, start) {
    const grammarEvaluationState = grammar == null ? undefined : new LlamaGrammarEvaluationState({model, grammar});
    let count = 0;
    let first = 0;
    for await (const _ of sequence.evaluate(prompt, {temperature: 0, grammarEvaluationState, yieldEogToken: true})) {
        if (++count === 1)
            first = performance.now() - start;
        if (count === tokens)
            break;
    }

    if (count !== tokens)
        throw new Error(`answered ${count} tokens of ${tokens}`);
    return first;
}

const operations = {load, answer};

for await (const line of createInterface({input: process.stdin, crlfDelay: Infinity})) {
    let reply;
    try {
        const request = JSON.parse(line.replace(/^\uFEFF/, ""));
        reply = {ok: true, ...await operations[request.op](request)};
    } catch (error) {
        reply = {ok: false, error: String(error?.message ?? error)};
    }

    process.stdout.write(`${JSON.stringify(reply)}\n`);
}

process.exit(0);
