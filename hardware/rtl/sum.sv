// The field of a unit: the weights of those terms that are 1.
module ppl_sum #(
    parameter integer TERMS = 1,
    parameter integer WIDTH = 1,
    parameter [TERMS*WIDTH-1:0] WEIGHTS = 0
) (
    input  wire [TERMS-1:0] terms,
    output reg  [WIDTH-1:0] total
);
    integer i;

    always @* begin
        total = 0;
        for (i = 0; i < TERMS; i = i + 1)
            total = total + (WEIGHTS[i*WIDTH +: WIDTH] & {WIDTH{terms[i]}});
    end
endmodule
