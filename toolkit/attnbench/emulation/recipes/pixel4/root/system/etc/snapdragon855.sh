# The clusters and sensors of a Snapdragon 855, as writable copies bound over the machine's own.
# Clocks: cpuinfo_max_freq of a Pixel 4; capacities: its device tree's, scaled to 1024.

cpus=/mnt/cpu
mkdir -p "$cpus"
cp -r /sys/devices/system/cpu/. "$cpus" 2>/dev/null

cluster() {  # first last max_khz capacity min_khz
    policy=$cpus/cpufreq/policy$1
    mkdir -p "$policy"
    numbers=$(seq -s ' ' "$1" "$2")
    echo "$numbers" >"$policy/related_cpus"
    echo "$numbers" >"$policy/affected_cpus"
    echo schedutil >"$policy/scaling_governor"
    echo 'schedutil performance powersave userspace' >"$policy/scaling_available_governors"
    for file in cpuinfo_max_freq scaling_max_freq scaling_cur_freq; do echo "$3" >"$policy/$file"; done
    for file in cpuinfo_min_freq scaling_min_freq; do echo "$5" >"$policy/$file"; done
    chmod "$writable" "$policy"/*
    for number in $numbers; do
        echo "$4" >"$cpus/cpu$number/cpu_capacity"
        ln -s "../cpufreq/policy$1" "$cpus/cpu$number/cpufreq"
    done
}

zone() {  # number type millicelsius
    mkdir -p "/mnt/thermal/thermal_zone$1"
    echo "$2" >"/mnt/thermal/thermal_zone$1/type"
    echo "$3" >"/mnt/thermal/thermal_zone$1/temp"
}

# On a phone that nobody has rooted clocks are for looking at only, and SELinux keeps the shell
# from the temperatures altogether.
if [ "$locked" = 1 ]; then writable=0444 readable=0400; else writable=0666 readable=0666; fi

cluster 0 3 1785600 261 300000
cluster 4 6 2419200 871 710400
cluster 7 7 2841600 1024 825600
mount --bind "$cpus" /sys/devices/system/cpu

zone 0 cpu-0-0-usr 31000
zone 1 cpu-1-0-usr 31500
zone 2 cpu-1-3-usr 32000
zone 3 battery 27500
chmod "$readable" /mnt/thermal/*/*
mount --bind /mnt/thermal /sys/class/thermal
