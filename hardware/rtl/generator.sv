// Random words: xoroshiro with an addition (Blackman & Vigna 2021), one whole word a step.
module ppl_generator #(
    parameter integer WORD = 32,
    parameter integer A = 26,
    parameter integer B = 9,
    parameter integer C = 13,
    parameter [2*WORD-1:0] START = 1
) (
    input  wire            clk,
    input  wire            load,  // begin anew, from START
    input  wire            mix,   // step, and add the word and a bit of the seed to the state
    input  wire            seed,  // 0 unless mixed
    input  wire            step,
    output wire [WORD-1:0] word
);
    reg  [WORD-1:0] low, high;
    wire [WORD-1:0] both = low ^ high;

    assign word = low + high;

    always @(posedge clk)
        if (load) begin
            low  <= START[WORD-1:0];
            high <= START[2*WORD-1:WORD];
        end else if (step || mix) begin
            low  <= {low[WORD-1-A:0], low[WORD-1:WORD-A]} ^ both ^ (both << B);
            high <= {both[WORD-1-C:0], both[WORD-1:WORD-C]} ^ (word & {WORD{mix}}) ^ WORD'(seed);
        end
endmodule
